// A signal that lives as long as the service: each request left its listener there; taken off again since 12.5.3.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const stopping = new AbortController();
const server = http.createServer((_, response) => response.end('{}'));

async function read() {
  const { default: got } = await import(`got-${version}`);
  await got(`http://127.0.0.1:${server.address().port}/`, { signal: stopping.signal }); // leaks
}

server.listen(0, '127.0.0.1', () => settle(read, { times: 40 }));
