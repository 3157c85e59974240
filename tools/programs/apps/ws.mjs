import { WebSocket, WebSocketServer } from 'ws';

const port = Number(process.env.PORT);
const server = new WebSocketServer({ port });
server.on('connection', (s) => {
  s.on('message', (m) => s.send(m));
  const beat = setInterval(() => s.ping(), 100);
  s.on('close', () => clearInterval(beat));
});
const keep = Array.from({ length: 5 }, () => new WebSocket(`ws://127.0.0.1:${port}`));
setInterval(() => {
  for (const k of keep) if (k.readyState === 1) k.send('x');
  const c = new WebSocket(`ws://127.0.0.1:${port}`);
  c.on('open', () => {
    c.send('a');
  });
  c.on('message', () => c.close());
}, 20);
