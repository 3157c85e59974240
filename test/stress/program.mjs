// usage: program.mjs pg | generic-pool SECONDS MAX LEAST, under the probe in soak mode; PG_URL. All leases are held by somebody, in
// one way or another, and given back after a while; meanwhile every one is judged each 50 ms. Prints what came of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'generic-pool';
import pg from 'pg';

const [library, seconds, most, least] = process.argv.slice(2);
const probe = globalThis[Symbol.for('outlive.probe')];
const MAX = Number(most);
// some always wait
const LANES = MAX * 1.3;

function pgPool() {
  const pool = new pg.Pool({ connectionString: process.env.PG_URL, max: MAX });
  return {
    take: () => pool.connect(),
    give: (client) => client.release(),
    use: (client) => client.query('select 1'),
    used: () => pool.totalCount - pool.idleCount,
    lent: () => pool._clients,
  };
}

function genericPool() {
  const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: MAX });
  return {
    take: () => pool.acquire(),
    give: (lent) => pool.release(lent),
    use: () => sleep(Math.random() * 3),
    used: () => pool.borrowed,
    lent: () => [],
  };
}
const { take, give, use, used, lent } = library === 'pg' ? pgPool() : genericPool();

/** Of a client and its connection, how many listeners there are of each event. */
const listenersOf = (client) =>
  JSON.stringify(
    [client, client.connection].map((each) => each.eventNames().map((name) => [name, each.listenerCount(name)])),
  );
const first = await take();
await use(first);
await give(first);
const [before] = lent().map(listenersOf);

let isOver = false;
const counts = { judged: 0, proven: 0, done: 0, failed: 0 };

async function job() {
  const lease = await take();
  await use(lease);
  await sleep(Math.random() * 200);
  if (Math.random() < 0.3) await use(lease);
  if (Math.random() < 0.3) await sleep(Math.random() * 300);
  if (Math.random() < 0.2) {
    const elsewhere = new Map([['lease', lease]]);
    await sleep(20);
    await give(elsewhere.get('lease'));
  } else await give(lease);
}
async function lane() {
  while (!isOver) {
    await job().then(
      () => counts.done++,
      () => counts.failed++,
    );
  }
}
const lanes = Array.from({ length: LANES }, lane);
const until = performance.now() + Number(seconds) * 1000;
while (performance.now() < until || counts.judged < Number(least)) {
  await sleep(50);
  counts.judged += used();
  const { standing } = await probe.checkpoint({ withinMs: 0 });
  counts.proven += standing.filter(({ detector }) => detector === 'unreachable').length;
}
isOver = true;
const hung = await Promise.race([Promise.all(lanes).then(() => false), sleep(10_000).then(() => true)]);
const altered = lent().filter((client) => listenersOf(client) !== before).length;
console.log(JSON.stringify({ ...counts, hung, left: used(), altered }));
process.exit();
