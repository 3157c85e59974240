// Clients, sessions and cursors of MongoDB; jobs are scopes.
const { setTimeout: sleep } = require('node:timers/promises');
const { MongoClient } = require('mongodb');
const { scope } = require('outlive');
const run = require('../run.cjs');

const client = new MongoClient(process.env.MONGODB_URL);
// weak, so that only what the program itself holds is held
const sessions = [];
const out = { clients: 0, cursors: 0 };

async function newest(n) {
  const cursor = client.db('shop').collection('orders').find({}); // acquires: cursor
  out.cursors++;
  cursor.once('close', () => out.cursors--);
  const first = await cursor.next();
  await sleep(n % 3);
  await cursor.close(); // gives back: cursor
  return first;
}

async function pay(n) {
  const session = client.startSession(); // acquires: session
  sessions.push(new WeakRef(session));
  try {
    await client.db('shop').command({ ping: 1 }, { session });
    if (n % 6 === 2) throw new Error('no money');
  } finally {
    await session.endSession(); // gives back: session
  }
}

async function archive(n) {
  const own = new MongoClient(process.env.MONGODB_URL); // acquires: client
  out.clients++;
  own.once('topologyClosed', () => out.clients--);
  await own.connect();
  await own.db('shop').command({ ping: n });
  await own.close(); // gives back: client
}

run(
  async () => {
    await client.connect();
    for (let n = 0; n < 30; n++) {
      await Promise.all([
        scope('newest', () => newest(n)),
        scope('pay', () => pay(n)).catch(() => {}),
        scope('archive', () => archive(n)),
      ]);
      await sleep(10);
    }
  },
  () => ({
    ...out,
    sessions: sessions.filter((ref) => ref.deref()?.hasEnded === false).length,
  }),
);
