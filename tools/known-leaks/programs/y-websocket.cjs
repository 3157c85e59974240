// A client that went away left its interval of pings, https://github.com/yjs/y-websocket/pull/30
const { once } = require('node:events');
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const WebSocket = require('ws');
const { setupWSConnection } = require('y-websocket/bin/utils.js');

const server = http.createServer((_, response) => response.end());
const sockets = new WebSocket.Server({ server });
sockets.on('connection', (socket, request) => {
  setupWSConnection(socket, request); // leaks here
});

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (let n = 0; n < 10; n++) {
    const client = new WebSocket(`ws://127.0.0.1:${server.address().port}/page`);
    await once(client, 'open');
    client.close();
    await once(client, 'close');
  }
  await sleep(2500);
  process.exit();
}

main();
