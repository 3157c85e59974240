/**
 * Lanes of work that think, wait for a connection of their pool, and use it, on one server that follows the fitted law.
 *
 * The server is flow-equivalent (Chandy, Herzog & Woo, IBM J. Res. Dev. 19, 1975): with n connections at work it ends
 * X(n) transactions per second in all, whichever. Thinking and service are exponential, so the whole is a Markov chain,
 * which is run event by event (Gillespie, J. Phys. Chem. 81, 1977). What it leaves out: connections that open or break,
 * transactions of different weight, and what idle connections cost.
 */
import { generator } from '../database/correlation.ts';
import { type Law, throughputAt } from './usl.ts';

export interface System {
  /** Pools that are alike, lanes that share each, and connections of each. */
  pools: number;
  lanesPerPool: number;
  connectionsPerPool: number;
  /** Mean time between two transactions of a lane, milliseconds. */
  thinkMs: number;
}

export interface Outcome {
  throughput: number;
  /** From asking for a connection to the end of the transaction, and of that for the connection; milliseconds. */
  p50Ms: number;
  p99Ms: number;
  waitMs: number;
  /** Connections at work, mean and most. */
  busy: number;
  mostBusy: number;
}

/** Events that are simulated before and after measuring begins. */
const WARM_UP = 20_000;
const EVENTS = 60_000;

export function simulate(law: Law, system: System, seed = 1): Outcome {
  const { pools, lanesPerPool, connectionsPerPool, thinkMs } = system;
  const random = generator(seed);
  const lanes = pools * lanesPerPool;
  const thinking = Array.from({ length: lanes }, (_, lane) => lane);
  const serving: number[] = [];
  const free = new Array<number>(pools).fill(connectionsPerPool);
  const queues: Queue[] = Array.from({ length: pools }, () => new Queue());
  const askedAt = new Float64Array(lanes);
  const servedAt = new Float64Array(lanes);
  const latencies: number[] = [];
  let [now, began, waited, busyTime, mostBusy, ended] = [0, 0, 0, 0, 0, 0];
  const rates = lawRates(law, pools * connectionsPerPool);

  const serve = (lane: number): void => {
    servedAt[lane] = now;
    serving.push(lane);
  };
  const ask = (lane: number): void => {
    askedAt[lane] = now;
    const pool = Math.floor(lane / lanesPerPool);
    if ((free[pool] as number) > 0) {
      free[pool] = (free[pool] as number) - 1;
      serve(lane);
    } else queues[pool]?.push(lane);
  };
  const end = (lane: number, isMeasured: boolean): void => {
    if (isMeasured) {
      ended++;
      latencies.push(now - (askedAt[lane] as number));
      waited += (servedAt[lane] as number) - (askedAt[lane] as number);
    }
    const pool = Math.floor(lane / lanesPerPool);
    const next = queues[pool]?.shift();
    if (next === undefined) free[pool] = (free[pool] as number) + 1;
    else serve(next);
    if (thinkMs > 0) thinking.push(lane);
    else ask(lane);
  };

  if (thinkMs === 0) for (const lane of thinking.splice(0)) ask(lane);
  for (let event = 0; event < WARM_UP + EVENTS; event++) {
    const isMeasured = event >= WARM_UP;
    if (event === WARM_UP) began = now;
    const arrivals = thinkMs > 0 ? thinking.length / thinkMs : 0;
    const completions = rates[serving.length] as number;
    const step = -Math.log(1 - random()) / (arrivals + completions);
    now += step;
    if (isMeasured) {
      busyTime += serving.length * step;
      mostBusy = Math.max(mostBusy, serving.length);
    }
    if (random() * (arrivals + completions) < arrivals) ask(take(thinking, random));
    else end(take(serving, random), isMeasured);
  }
  latencies.sort((a, b) => a - b);
  const at = (quantile: number) => latencies[Math.floor(quantile * (latencies.length - 1))] ?? 0;
  const lasted = now - began;
  return {
    throughput: (1000 * ended) / lasted,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    waitMs: ended > 0 ? waited / ended : 0,
    busy: busyTime / lasted,
    mostBusy,
  };
}

/** Transactions per millisecond with n at work. */
function lawRates(law: Law, most: number): Float64Array {
  return Float64Array.from({ length: most + 1 }, (_, n) => (n === 0 ? 0 : throughputAt(law, n) / 1000));
}

/** One at random; the order does not matter, so the last takes its place. */
function take(lanes: number[], random: () => number): number {
  const index = Math.floor(random() * lanes.length);
  const lane = lanes[index] as number;
  const last = lanes.pop() as number;
  if (index < lanes.length) lanes[index] = last;
  return lane;
}

/** First in, first out, without moving what stays. */
class Queue {
  private items: number[] = [];
  private head = 0;
  push(item: number): void {
    this.items.push(item);
  }
  shift(): number | undefined {
    if (this.head >= this.items.length) return undefined;
    const item = this.items[this.head++];
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }
}
