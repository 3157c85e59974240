// Server-sent events: an interval and a connection for as long as the client listens.
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import run from '../run.cjs';

const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 90 });

async function events(request, response) {
  const connection = await pool.acquire(); // acquires: connection
  if (request.url.endsWith('/archived')) {
    await pool.release(connection); // gives back: connection
    response.writeHead(410).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: hello\n\n');
  const ticker = setInterval(() => response.write('data: tick\n\n'), 10); // acquires: ticker
  response.on('close', () => {
    clearInterval(ticker); // gives back: ticker
    pool.release(connection); // gives back: connection
  });
}

const server = http.createServer((request, response) => {
  events(request, response).catch((error) => response.writeHead(500).end(error.message));
});

async function listener(n) {
  const aborter = new AbortController();
  const url = `http://127.0.0.1:${server.address().port}/events/${n}${n % 4 === 2 ? '/archived' : ''}`;
  const response = await fetch(url, { signal: aborter.signal });
  setTimeout(() => aborter.abort(), 20 + (n % 3) * 20);
  await response.text().catch(() => {});
}

run(
  async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const listeners = [];
    for (let n = 0; n < 60; n++) {
      listeners.push(listener(n));
      await sleep(18);
    }
    await Promise.all(listeners);
    await sleep(100);
  },
  () => ({ borrowed: pool.borrowed }),
  { atEnd: () => server.close().closeAllConnections() },
);
