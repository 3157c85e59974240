/** Maps, sets and arrays that are added to and kept in bounds, as caches and queues are; now and then a turn. */
import { setImmediate as turn } from 'node:timers/promises';
import { metered } from './meter.ts';

const TURN = 100;
const MOST = 1000;
const cache = new Map<number, number>();
const seen = new Set<number>();
const queue: number[] = [];

metered(async (units) => {
  for (let i = 0; i < units; i++) {
    cache.set(i % MOST, i);
    seen.add(i % MOST);
    if (queue.push(i) === MOST) queue.length = 0;
    if (i % TURN === 0) await turn();
  }
});
