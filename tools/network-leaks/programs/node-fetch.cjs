// An answer in chunks left its listeners at the connection that is kept alive; taken off again since 3.2.5.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((_, response) => {
  response.write('in ');
  response.end('chunks');
});

async function read() {
  const { default: fetch } = await import(`node-fetch-${version}`);
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { agent });
  await response.text();
}

server.listen(0, '127.0.0.1', () => settle(read, { times: 40 }));
