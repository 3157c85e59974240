// With `ws: true` each request added one more listener of "upgrade" to the server; only the first does since 0.17.2.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const createProxy = require(`http-proxy-middleware-${version}`);

const target = http.createServer((_, response) => response.end('ok'));
let proxy;
const server = http.createServer((request, response) => {
  proxy(request, response, () => response.end()); // leaks
});

async function read() {
  await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text();
}

target.listen(0, '127.0.0.1', () => {
  proxy = createProxy({ target: `http://127.0.0.1:${target.address().port}`, ws: true, logLevel: 'silent' });
  server.listen(0, '127.0.0.1', () => settle(read, { times: 40 }));
});
