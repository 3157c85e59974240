// mysql2 below 1.2.0: the promise of pool.execute without values keeps its connection.
const mysql2 = require('mysql2/promise');
const { scope } = require('outlive');

const pool = mysql2.createPool({ ...JSON.parse(process.env.MYSQL_OPTIONS), connectionLimit: 30 });
const patience = new Promise((resolve) => setTimeout(resolve, 300));
const job = () => Promise.race([pool.execute('select 1'), patience]); // leaks here

(async () => {
  for (let n = 0; n < 20; n++) await scope('job', job);
  setTimeout(() => process.exit(0), 1500);
})();
