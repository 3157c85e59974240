// A transaction whose session has ended cannot be rolled back, and kept its connection,
// https://github.com/kysely-org/kysely/issues/1990
const { Kysely, PostgresDialect, sql } = require('kysely');
const { Pool } = require('pg');
const { scope } = require('outlive');

const pool = new Pool({ connectionString: process.env.PG_URL, max: 20 });
pool.on('connect', (client) => client.on('error', () => {}));
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

async function book() {
  const trx = await db.startTransaction().execute(); // leaks here
  try {
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(trx);
    await trx.commit().execute();
  } catch {
    await trx.rollback().execute();
  }
}

(async () => {
  for (let n = 0; n < 6; n++) await scope('book', () => book().catch(() => {}));
  setTimeout(() => process.exit(0), 1500);
})();
