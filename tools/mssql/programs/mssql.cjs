// usage: mssql.cjs leak|clean; needs MSSQL_PORT. Jobs with transactions, prepared statements and pools of their own: of the
// leaking ones every second forgets to end them.
const mssql = require('mssql');
const { scope } = require('outlive');

const isLeaking = process.argv[2] === 'leak';
const config = {
  ...{ server: '127.0.0.1', port: Number(process.env.MSSQL_PORT), user: 'orders', password: 'secret' },
  ...{ database: 'shop', pool: { max: 20 }, options: { encrypt: false, trustServerCertificate: true } },
};
const kept = [];

async function job(pool, isForgetful) {
  await pool.request().query('select 1');
  const transaction = pool.transaction();
  await transaction.begin(); // a transaction
  await transaction.request().query('select 2');
  if (!isForgetful) await transaction.commit();
  const statement = new mssql.PreparedStatement(pool);
  await statement.prepare('select 3'); // a statement
  if (!isForgetful) await statement.unprepare();
  const own = new mssql.ConnectionPool(config);
  await own.connect(); // a pool
  await own.request().query('select 4');
  kept.push(own);
  if (!isForgetful) await own.close();
}

async function main() {
  const pool = await mssql.connect(config);
  for (let n = 0; n < 14; n++) await scope('job', () => job(pool, isLeaking && n % 2 === 0));
  setTimeout(() => process.exit(), 900);
}

main();
