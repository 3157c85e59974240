/**
 * A small service: each request borrows from generic-pool and from pg, asks PostgreSQL for the lines of an order, adds
 * them up and answers them as JSON, and has a deadline. About 0.2 ms of CPU. `/leak` keeps its lease: the standing suspect.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPool } from 'generic-pool';
import pg from 'pg';
import { metered } from './meter.ts';

const slots = createPool({ create: async () => ({ used: 0 }), destroy: async () => {} }, { max: 20 });
const database = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });

interface Line {
  line: number;
  price: string;
}

async function answer(url: string): Promise<string> {
  const slot = await slots.acquire();
  if (url === '/leak') return '{}\n';
  const deadline = setTimeout(() => {}, 5000);
  try {
    slot.used++;
    const client = await database.connect();
    try {
      const { rows } = await client.query<Line>({
        name: 'lines',
        text: `select $1::int as "order", line, 'article ' || line as article, line * 1.5 as price, now() as at
               from generate_series(1, 20) as line`,
        values: [slot.used],
      });
      const total = rows.reduce((sum, { line, price }) => sum + line * Number(price), 0);
      return `${JSON.stringify({ order: slot.used, total, lines: rows })}\n`;
    } finally {
      client.release();
    }
  } finally {
    clearTimeout(deadline);
    await slots.release(slot);
  }
}

const server = createServer(async (request, response) => {
  const body = await answer(request.url ?? '');
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  metered(() => 0, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
