/**
 * When a heap that rises with each round will be full, told from the first rounds that rise evenly; then never again,
 * so that it can be held against what came.
 *
 * Errs where the growth changes later, and by the room that a program itself keeps: one that refuses work before its
 * heap is full does so some rounds earlier.
 */

/** A point of a heap right after a collection, bytes. */
export interface HeapAtRest {
  round: number;
  heapUsed: number;
}

export interface Forecast {
  /** The first round that finds no room. */
  fullAt: number;
  /** Bytes that each round adds. */
  each: number;
}

const ROUNDS = 3;
const LEAST_STEP = 1e6;
/** Beyond this share of its limit V8 does little but collect, and then ends the process. */
const USABLE = 0.9;
/** Between the steps. */
const EVEN_FACTOR = 1.5;

/** `rounds`: oldest first, the warm-up left out; `limit`: bytes. Null: nothing can be told from these. */
export function forecastOf(rounds: readonly HeapAtRest[], limit: number): Forecast | null {
  const seen = rounds.slice(-ROUNDS);
  const last = seen.at(-1);
  if (!last || seen.length < ROUNDS) return null;
  const steps = seen.slice(1).map(({ heapUsed }, i) => heapUsed - (seen[i] as HeapAtRest).heapUsed);
  const [least, most] = [Math.min(...steps), Math.max(...steps)];
  if (least < LEAST_STEP || most > EVEN_FACTOR * least) return null;
  const each = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  return {
    fullAt: last.round + 1 + Math.max(0, Math.floor((USABLE * limit - last.heapUsed) / each)),
    each: Math.round(each),
  };
}
