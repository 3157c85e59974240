// While the connection was slow, each publish without a callback left a listener of "drain"
const net = require('node:net');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const mqtt = require('mqtt');

// says yes to the connection, and reads no more
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => {
    socket.write(Buffer.from([0x20, 2, 0, 0]));
    socket.pause();
  });
});

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = mqtt.connect({ host: '127.0.0.1', port: server.address().port, keepalive: 0 });
  await once(client, 'connect');
  for (let n = 0; n < 200; n++) {
    client.publish('measured', Buffer.alloc(50_000)); // leaks here
    await sleep(5);
  }
  await sleep(2500);
  process.exit();
}

main();
