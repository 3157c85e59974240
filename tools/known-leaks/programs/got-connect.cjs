// With an agent that keeps connections alive each request left its listener of "connect" at the socket
const http = require('node:http');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const got = require('got');

const server = http.createServer((_, response) => response.end('{}'));

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = 0; n < 40; n++) {
    await got(`http://127.0.0.1:${server.address().port}/`, { agent }); // leaks here
  }
  await sleep(2500);
  process.exit();
}

main();
