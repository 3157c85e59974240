/**
 * The work that is offered, as a function of a seed alone: what arrives, when, in which lane. Arrivals wait for nothing
 * (an open loop): when the database is slow they pile up, as they do in life.
 */
import { createHash } from 'node:crypto';
import { randomFrom } from '../../pipeline/generate.ts';
import { partitionOf } from '../../pipeline/streams/stream.ts';

export const CLASSES = ['light', 'heavy'] as const;
export type JobClass = (typeof CLASSES)[number];

/** What one lane of a job is offered. Times in milliseconds. */
export interface JobLoad {
  name: string;
  class: JobClass;
  /** Transactions that come all at once when the job starts, as each lane reads where it was … */
  burst: number;
  /** … and again each time after so long; null: only then. */
  burstEvery: number | null;
  /** Mean time between further ones, which arrive at random; null: there are none. */
  every: number | null;
  /** How long a transaction keeps its connection beyond what it asks of the database. */
  hold: number;
}

export interface Load {
  seed: number;
  jobs: readonly JobLoad[];
  /** Of each job. */
  lanes: number;
  /** Arrivals end after this time; the work goes on until all is done. */
  duration: number;
}

/** Due times since the start, ascending. The place in the list is the transaction's number in its lane. */
export function arrivalsOf(
  { seed, duration }: Load,
  { name, burst, burstEvery, every }: JobLoad,
  lane: number,
): number[] {
  const arrivals: number[] = [];
  for (let at = 0; at < duration; at += burstEvery ?? Number.POSITIVE_INFINITY) {
    arrivals.push(...Array.from({ length: burst }, () => at));
  }
  const random = randomFrom(partitionOf(`${seed}/${name}/${lane}`, 2 ** 31));
  const gap = () => (every === null ? Number.POSITIVE_INFINITY : -Math.log(1 - random()) * every);
  for (let at = gap(); at < duration; at += gap()) arrivals.push(Math.round(at));
  return arrivals.sort((a, b) => a - b);
}

export interface Offered {
  transactions: number;
  byClass: Record<JobClass, number>;
  /** Of every arrival of every lane: equal hashes are equal work. */
  hash: string;
}

export function offeredBy(load: Load): Offered {
  const hash = createHash('sha256');
  const byClass = { light: 0, heavy: 0 };
  for (const job of load.jobs) {
    for (let lane = 0; lane < load.lanes; lane++) {
      const arrivals = arrivalsOf(load, job, lane);
      byClass[job.class] += arrivals.length;
      hash.update(`${job.name} ${job.hold} ${lane}: ${arrivals.join(' ')}\n`);
    }
  }
  return { transactions: byClass.light + byClass.heavy, byClass, hash: hash.digest('hex').slice(0, 16) };
}
