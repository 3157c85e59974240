// Clients of ioredis for a job: subscribers, duplicates that block, one that a caller brings or not; no scopes.
const Redis = require('ioredis');
const { setTimeout: sleep } = require('node:timers/promises');
const run = require('../run.cjs');

const shared = new Redis(process.env.REDIS_URL);
// weak, so that only what the program itself holds is held
const clients = [];

async function status(n) {
  const subscriber = new Redis(process.env.REDIS_URL); // acquires: status
  clients.push(new WeakRef(subscriber));
  await subscriber.subscribe(`room ${n}`);
  const heard = new Promise((resolve) => subscriber.once('message', resolve));
  await shared.publish(`room ${n}`, 'here');
  await heard;
  subscriber.disconnect(); // gives back: status
}

async function next(n) {
  const blocking = shared.duplicate(); // acquires: next
  clients.push(new WeakRef(blocking));
  try {
    await shared.rpush(`turns ${n}`, n);
    const [, turn] = await blocking.blpop(`turns ${n}`, 1);
    if (n % 6 === 1) throw new Error(`${turn} is gone`);
  } finally {
    await blocking.quit(); // gives back: next
  }
}

async function seen(n, given = null) {
  const client = given ?? new Redis(process.env.REDIS_URL); // acquires: seen
  if (!given) clients.push(new WeakRef(client));
  await client.set(`seen ${n}`, Date.now(), 'EX', 5);
  if (!given) await client.quit(); // gives back: seen
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([status(n), next(n).catch(() => {}), seen(n, n % 2 ? shared : null)]);
      await sleep(10);
    }
  },
  () => ({ clients: clients.filter((ref) => (ref.deref()?.status ?? 'end') !== 'end').length }),
);
