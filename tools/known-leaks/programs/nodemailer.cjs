// A server that hung up before its greeting left the timer that waits for that
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const nodemailer = require('nodemailer');

const server = net.createServer((socket) => {
  socket.on('error', () => {});
  setTimeout(() => socket.end(), 5);
});

async function main() {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (let n = 0; n < 10; n++) {
    const transport = nodemailer.createTransport({ host: '127.0.0.1', port: server.address().port });
    await transport.sendMail({ from: 'a@example.org', to: 'b@example.org', text: 'hello' }).catch(() => {});
  }
  await sleep(3000);
  process.exit();
}

main();
