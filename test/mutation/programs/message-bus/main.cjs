// Jobs arrive as events, handlers are not awaited by anyone; no scopes.
const { EventEmitter, once } = require('node:events');
const { createPool } = require('generic-pool');
const run = require('../run.cjs');

const bus = new EventEmitter();
const pool = createPool({ create: async () => ({ stored: 0 }), destroy: async () => {} }, { max: 15 });

bus.on('measured', async (value) => {
  const connection = await pool.acquire(); // acquires: measured
  try {
    if (Number.isNaN(value)) return;
    await new Promise(setImmediate);
    connection.stored++;
  } finally {
    pool.release(connection); // gives back: measured
    bus.emit('stored', value);
  }
});

bus.on('alarm', (text) => {
  // acquires: alarm
  pool.acquire().then((connection) => {
    connection.stored++;
    setTimeout(() => {
      if (text === 'false alarm') {
        pool.destroy(connection); // gives back: alarm
        return bus.emit('silenced');
      }
      pool.release(connection); // gives back: alarm
      bus.emit('handled', text);
    }, 5);
  });
});

run(
  async () => {
    for (let n = 0; n < 80; n++) {
      bus.emit('measured', n % 8 === 5 ? Number.NaN : n);
      bus.emit('alarm', n % 5 === 4 ? 'false alarm' : `alarm ${n}`);
      setTimeout(() => bus.emit('tick'), 15);
      await once(bus, 'tick');
    }
  },
  () => ({ borrowed: pool.borrowed }),
);
