// Connections that are checked when they are borrowed and destroyed when they failed; every message is a scope.
const { EventEmitter } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { createPool } = require('generic-pool');
const { scope } = require('outlive');
const run = require('../run.cjs');

class Connection extends EventEmitter {
  uses = 0;
  async send(text) {
    await sleep(5);
    if (text.includes('7')) throw new Error('connection reset');
    this.uses++;
  }
}

const pool = createPool(
  {
    create: async () => new Connection(),
    destroy: async (connection) => connection.removeAllListeners(),
    validate: async (connection) => connection.uses < 9,
  },
  { min: 2, max: 12, testOnBorrow: true, acquireTimeoutMillis: 150, evictionRunIntervalMillis: 300 },
);
pool.on('factoryCreateError', console.error);

async function send(text) {
  let connection;
  try {
    connection = await pool.acquire(); // acquires: send
    await connection.send(text);
  } catch (error) {
    if (connection) await pool.destroy(connection); // gives back: send
    connection = null;
    throw error;
  } finally {
    if (connection) await pool.release(connection); // gives back: send
  }
}

async function check() {
  const connection = await pool.acquire(); // acquires: check
  const giveBack = connection.uses === 0 ? 'destroy' : 'release';
  await pool[giveBack](connection); // gives back: check
}

run(
  async () => {
    for (let n = 0; n < 70; n++) {
      await Promise.all([
        scope('send', () => send(`message ${n}`)).catch(() => {}),
        scope('check', check).catch(() => {}),
        sleep(18),
      ]);
    }
  },
  () => ({ borrowed: pool.borrowed }),
);
