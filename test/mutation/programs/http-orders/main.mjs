// An HTTP service on PostgreSQL, asked by its own clients.
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import run from '../run.cjs';

const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: 10, connectionTimeoutMillis: 250 });

async function show(id, response) {
  const client = await pool.connect(); // acquires: show
  try {
    const { rows } = await client.query('select $1::int as id where $1::int % 10 <> 3', [id]);
    if (rows.length === 0) {
      response.writeHead(404).end();
      return;
    }
    if (id % 10 === 7) await client.query('select 1 / 0');
    response.end(JSON.stringify(rows[0]));
  } finally {
    client.release(); // gives back: show
  }
}

async function place(id, response) {
  const client = await pool.connect(); // acquires: place
  if (id % 8 === 2) {
    client.release(); // gives back: place
    response.writeHead(422).end('no lines');
    return;
  }
  let failure;
  try {
    await client.query('select $1::int', [id % 9 === 5 ? 'many' : id]);
  } catch (error) {
    failure = error;
  }
  client.release(failure); // gives back: place
  response.writeHead(failure ? 400 : 201).end();
}

const server = http.createServer((request, response) => {
  const id = Number(request.url.split('/').pop());
  const answer = request.method === 'POST' ? place : show;
  answer(id, response).catch((error) => response.writeHead(500).end(error.message));
});

async function client(method) {
  const { port } = server.address();
  for (let id = 0; id < 60; id++) {
    const response = await fetch(`http://127.0.0.1:${port}/orders/${id}`, { method });
    await response.text();
    await sleep(12);
  }
}

run(
  async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    await Promise.all([client('GET'), client('POST')]);
  },
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
  { atEnd: () => server.close().closeAllConnections() },
);
