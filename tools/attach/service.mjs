// PG_URL: a shop that knows nothing of outlive, with 300 MB of orders in memory. Prints its port.
//   GET /orders/:id  reads one           POST /orders/:id  keeps a connection where there is no such order
//   DELETE /orders/:id  … does too       /footprint        what a guest could change here
//   /pause           the longest time that the event loop was held since it was last asked, in milliseconds
//   /collect         how long one bare collection takes, and how many megabytes there are then
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express from 'express';
import pg from 'pg';
import { footprint } from '../../test/fixtures/programs/footprint.mjs';

const ORDERS = 650_000;

// without timers of its own, whose number changes
const config = { connectionString: process.env.PG_URL, application_name: 'orders', idleTimeoutMillis: 0 };
const pool = new pg.Pool({ ...config, max: 10 });
const app = express();
const footprintNow = footprint({
  pool: pg.Pool.prototype,
  pools: Object.getPrototypeOf(pg.Pool.prototype),
  client: pg.Client.prototype,
  application: app,
  response: express.response,
});
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

const orders = new Map();
for (let id = 0; id < ORDERS; id++) {
  const lines = [1, 2, 3].map((article) => ({ article, price: id * article + 0.5 }));
  orders.set(id, { id, customer: `customer ${id}`, at: new Date(id), lines });
}

app.get('/orders/:id', async (request, response) => {
  const client = await pool.connect();
  try {
    const { rows } = await client.query('select $1::int as id', [Number(request.params.id)]);
    response.json(orders.get(rows[0].id) ?? null);
  } finally {
    client.release();
  }
});
app.post('/orders/:id', async (request, response) => {
  const client = await pool.connect(); // lost before
  await client.query('begin');
  if (!orders.has(Number(request.params.id))) return response.status(404).end();
  await client.query('commit');
  client.release();
  response.end();
});
app.delete('/orders/:id', async (request, response) => {
  const client = await pool.connect(); // lost again
  await client.query('begin');
  if (!orders.delete(Number(request.params.id))) return response.status(404).end();
  await client.query('commit');
  client.release();
  response.end();
});
app.get('/footprint', (_, response) => response.json(footprintNow()));
app.get('/pause', (_, response) => {
  response.json(delay.max / 1e6);
  delay.reset();
});
app.get('/collect', (_, response) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const began = performance.now();
  collect();
  response.json({ ms: performance.now() - began, mb: getHeapStatistics().used_heap_size / 2 ** 20 });
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
