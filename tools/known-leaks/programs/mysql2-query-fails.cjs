// mysql2 below 1.3.6: pool.query keeps its connection when the statement fails.
const mysql2 = require('mysql2');
const { scope } = require('outlive');

const pool = mysql2.createPool({ ...JSON.parse(process.env.MYSQL_OPTIONS), connectionLimit: 30 });
const job = () =>
  new Promise((resolve) => {
    pool.query('select nothing from nowhere', () => resolve()); // leaks here
  });

(async () => {
  for (let n = 0; n < 20; n++) await scope('job', job);
  setTimeout(() => process.exit(0), 1500);
})();
