// pg in callback style, as older services have it.
const { Pool } = require('pg');
const run = require('../run.cjs');

const pool = new Pool({ connectionString: process.env.PG_URL, max: 30 });

function report(day, callback) {
  // acquires: report
  pool.connect((error, client, done) => {
    if (error) return callback(error);
    client.query('select $1::int as day', [day], (failure, result) => {
      if (failure) {
        done(failure); // gives back: report
        return callback(failure);
      }
      if (result.rows[0].day % 6 === 1) {
        done(); // gives back: report
        return callback(null, 'a holiday');
      }
      const sql = day % 10 === 4 ? 'select no_such_column' : 'select pg_sleep(0.003)';
      client.query(sql, (broken) => {
        done(broken); // gives back: report
        callback(broken, 'done');
      });
    });
  });
}

function archive(day, callback) {
  // acquires: archive
  pool.connect((error, client) => {
    if (error) return callback(error);
    client.query('select $1::int', [day], (failure) => {
      client.release(); // gives back: archive
      callback(failure);
    });
  });
}

run(
  () =>
    new Promise((resolve) => {
      const next = (day) => {
        if (day === 70) return resolve();
        report(day % 9 === 5 ? 'Monday' : day, () => archive(day, () => setTimeout(next, 8, day + 1)));
      };
      next(0);
    }),
  () => ({ borrowed: pool.totalCount - pool.idleCount, waiting: pool.waitingCount }),
);
