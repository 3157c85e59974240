/**
 * usage: program.mjs LIBRARY. Goes through all behaviours with one library and prints what it observes, one line of JSON
 * each: [behaviour, …what it saw]; at last [null, …what each pool says of itself, by name].
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { behaviours } from './behaviours.mjs';

const [library] = process.argv.slice(2);
const driver = await import(`./drivers/${library}.mjs`);
const pools = [];
let quietAt = 0;
const [take] = Object.values(driver.acquires);
const [give] = Object.values(driver.releases);

/** The result of a call, or the error it fails with, without what differs from run to run. */
async function outcome(call) {
  try {
    await call();
    return 'ok';
  } catch (error) {
    const { name, code, message } = error;
    return [
      name,
      code,
      message.replace(/\bport \d+|:\d{4,5}\b|CONNECTION_ID=[^)]*|\(conn:-?\d+, | after \d+ms|\n.*/gs, ''),
    ];
  }
}

for (const [name, { run, open }] of Object.entries(behaviours)) {
  const see = (...values) => console.log(JSON.stringify([name, ...values]));
  const pool = async (options = {}) => {
    const own = await driver.createPool(pools.length + 1, { max: 4, ...options });
    pools.push({ behaviour: name, own });
    return own;
  };
  // what leaked is to be idle for a while when it is judged, and pools that ran out to have recovered
  if (name.startsWith('left as it is')) await sleep(Math.max(0, quietAt - performance.now()));
  else quietAt = performance.now() + 1300;
  await run({ driver, pool, take, give, use: driver.use, outcome, see });
  // many idle pools, each from a call or two, would be a finding of their own
  if (!open) for (const { behaviour, own } of pools) if (behaviour === name) await outcome(() => driver.dispose(own));
}

const says = pools.map(({ behaviour, own }, index) => [driver.poolName(index + 1), behaviour, driver.counts(own)]);
console.log(JSON.stringify([null, says]));
process.exit(0);
