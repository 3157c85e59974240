// Other services are asked over TCP and UDP, and call back on servers of one job; no scopes.
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const tcp = net.createServer((socket) => socket.on('error', () => {}).on('data', (line) => socket.write(line)));
const udp = dgram.createSocket('udp4');
udp.on('message', (text, { port, address }) => udp.send(text, port, address));

const out = { sockets: 0, datagramSockets: 0, servers: 0 };
function count(name, emitter) {
  out[name]++;
  emitter.once('close', () => out[name]--);
}

async function greet(n) {
  const socket = net.connect(tcp.address().port, '127.0.0.1'); // acquires: greet
  count('sockets', socket);
  await once(socket, 'connect');
  try {
    socket.write(`hello ${n}`);
    await once(socket, 'data');
    if (n % 8 === 5) throw new Error('no greeting');
  } finally {
    socket.destroy(); // gives back: greet
  }
}

async function ask(n) {
  const socket = dgram.createSocket('udp4'); // acquires: ask
  count('datagramSockets', socket);
  socket.send(`question ${n}`, udp.address().port, '127.0.0.1');
  if (n % 6 === 4) {
    await sleep(2);
    socket.close(); // gives back: ask
    return null;
  }
  const [answer] = await once(socket, 'message');
  socket.close(); // gives back: ask
  return answer;
}

async function order(n) {
  const server = http.createServer((_, response) => response.end()); // acquires: order
  server.listen(0, '127.0.0.1'); // acquires: order
  count('servers', server);
  await once(server, 'listening');
  try {
    if (n % 7 === 2) return;
    const { port } = server.address();
    await (await fetch(`http://127.0.0.1:${port}/paid`, { headers: { connection: 'close' } })).text();
  } finally {
    server.close(); // gives back: order
  }
}

run(
  async () => {
    await Promise.all([once(tcp.listen(0, '127.0.0.1'), 'listening'), once(udp.bind(0, '127.0.0.1'), 'listening')]);
    for (let n = 0; n < 60; n++) {
      await Promise.all([greet(n).catch(() => {}), ask(n), order(n)]);
      await sleep(12);
    }
  },
  () => out,
  {
    atEnd: () => {
      tcp.close();
      udp.close();
    },
  },
);
