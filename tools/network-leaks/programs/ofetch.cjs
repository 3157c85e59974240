// Each answer left the timer that would have given up on it; cleared since 1.3.4.
const http = require('node:http');
const { settle, version } = require('./settle.cjs');

const server = http.createServer((_, response) => response.end('{}'));

async function read() {
  const { ofetch } = await import(`ofetch-${version}`);
  await ofetch(`http://127.0.0.1:${server.address().port}/`, { timeout: 60_000 }); // leaks
}

server.listen(0, '127.0.0.1', () => settle(read, { times: 40 }));
