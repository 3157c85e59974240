import { Server } from 'socket.io';
import { io } from 'socket.io-client';

const port = Number(process.env.PORT);
const server = new Server(port);
server.on('connection', (s) => {
  s.join('r');
  s.on('m', (x, ack) => {
    server.to('r').emit('n', x);
    ack(x);
  });
});
const clients = Array.from({ length: 5 }, () => io(`http://127.0.0.1:${port}`));
let turn = 0;
setInterval(() => {
  for (const c of clients) c.emit('m', 1, () => {});
  if (turn++ % 20 === 0) {
    const c = io(`http://127.0.0.1:${port}`, { forceNew: true });
    c.on('connect', () => c.close());
  }
}, 20);
