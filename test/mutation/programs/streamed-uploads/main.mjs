// Short work through pool.use, uploads hold a connection from 'open' to 'close'; no scopes.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import run from '../run.cjs';

const pool = createPool({ create: async () => ({ bytes: 0 }), destroy: async () => {} }, { max: 60 });

async function upload(n) {
  const connection = await pool.acquire(); // acquires: upload
  const stream = new Writable({
    write(chunk, _, callback) {
      connection.bytes += chunk.length;
      callback(n % 10 === 6 ? new Error('disk full') : null);
    },
  });
  stream.on('error', () => pool.destroy(connection)); // gives back: upload
  stream.on('finish', () => pool.release(connection)); // gives back: upload
  stream.write('header');
  await sleep(5);
  if (!stream.destroyed) stream.end('body');
  if (!stream.closed) await once(stream, 'close');
}

async function ping(n) {
  return pool.use(async (connection) => {
    if (n % 7 === 2) throw new Error('no answer');
    return connection.bytes;
  });
}

run(
  async () => {
    for (let n = 0; n < 70; n++) {
      await Promise.all([upload(n), ping(n).catch(() => {})]);
      await sleep(8);
    }
  },
  () => ({ borrowed: pool.borrowed }),
);
