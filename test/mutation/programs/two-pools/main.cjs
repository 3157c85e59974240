// Work that needs a connection to the database and one to the mail server; every mail is a scope.
const { setTimeout: sleep } = require('node:timers/promises');
const { createPool } = require('generic-pool');
const { scope } = require('outlive');
const pg = require('pg');
const run = require('../run.cjs');

const database = new pg.Pool({ connectionString: process.env.PG_URL, max: 20 });
const mailers = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 40 });

async function sendMail(n) {
  const client = await database.connect(); // acquires: client
  try {
    const { rows } = await client.query('select $1::int % 7 as day', [n]);
    if (rows[0].day === 6) return 'not on Sundays';
    const mailer = await mailers.acquire(); // acquires: mailer
    try {
      await sleep(5);
      if (n % 10 === 2) throw new Error('mailbox full');
    } catch (error) {
      await client.query('select $1::text', [error.message]);
      throw error;
    } finally {
      await mailers.release(mailer); // gives back: mailer
    }
  } finally {
    client.release(); // gives back: client
  }
}

async function warmUp(n) {
  const mailer = await mailers.acquire(); // acquires: warm
  await database.query('select $1::int', [n]);
  if (n % 6 === 0) return mailers.destroy(mailer); // gives back: warm
  return mailers.release(mailer); // gives back: warm
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await scope('mail', () => sendMail(n)).catch(() => {});
      await scope('warm-up', () => warmUp(n));
      await sleep(10);
    }
  },
  () => ({ clients: database.totalCount - database.idleCount, mailers: mailers.borrowed }),
);
