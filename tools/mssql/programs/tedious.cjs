// usage: tedious.cjs leak|clean; needs MSSQL_PORT. Jobs that connect by themselves, and jobs that borrow from a pool: of
// the leaking ones every second forgets what it has begun.
const { scope } = require('outlive');
const { Pool } = require('tarn');
const { Connection, Request } = require('tedious');

const isLeaking = process.argv[2] === 'leak';
const config = {
  server: '127.0.0.1',
  authentication: { type: 'default', options: { userName: 'orders', password: 'secret' } },
  options: { port: Number(process.env.MSSQL_PORT), encrypt: false, trustServerCertificate: true },
};
const kept = [];

const promised = (call) => new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
const query = (connection) => promised((done) => connection.execSql(new Request('select 1', done)));

const pool = new Pool({
  async create() {
    const connection = new Connection(config);
    await promised((done) => connection.connect(done));
    return connection;
  },
  destroy: (connection) => connection.close(),
  ...{ min: 0, max: 4 },
});

async function connects(isForgetful) {
  const connection = new Connection(config);
  await promised((done) => connection.connect(done)); // a connection
  kept.push(connection);
  await query(connection);
  if (!isForgetful) connection.close();
}

async function borrows(isForgetful) {
  const connection = await pool.acquire().promise;
  try {
    await promised((done) => connection.beginTransaction(done)); // a transaction
    await query(connection);
    if (!isForgetful) await promised((done) => connection.commitTransaction(done));
  } finally {
    pool.release(connection);
  }
}

async function main() {
  for (let n = 0; n < 12; n++) {
    await scope('job', () => connects(isLeaking && n % 2 === 0));
    await scope('other job', () => borrows(isLeaking && n === 11));
  }
  setTimeout(() => process.exit(), 900);
}

main();
