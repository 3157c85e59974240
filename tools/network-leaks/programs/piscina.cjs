// A pool that was destroyed started its threads anew; since 4.2.0 they stay away.
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const { Piscina } = require(`piscina-${version}`);

async function resize() {
  const pool = new Piscina({ filename: path.join(__dirname, 'task.cjs'), minThreads: 1, maxThreads: 1 });
  await pool.run(1);
  await pool.destroy();
  await sleep(20);
}

settle(resize, { isJob: true });
