/** Goes on when what failed is back. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Patience {
  /** Milliseconds that an outage may last; without one, for ever. */
  limit: number;
  /** What failed, as the beginning of a sentence; null for an error that waiting does not help. */
  outage(error: unknown): string | null;
  log(sentence: string): void;
  signal: AbortSignal;
}

const FIRST_MS = 250;
const LONGEST_MS = 5_000;

/** Runs work until it succeeds; the work may say that it is well again before it ends. Throws when it takes too long. */
export type Patiently = <T>(work: (isWell: () => void) => Promise<T>) => Promise<T>;

/** For all that works on the same database and stream: one of them says that they are away, one that they are back. */
export function patience({ limit, outage, log, signal }: Patience): Patiently {
  let since: number | null = null;
  let pause = FIRST_MS;
  const isWell = () => {
    if (since !== null) log('It is back, and the work goes on.');
    since = null;
    pause = FIRST_MS;
  };
  const failed = (error: unknown) => {
    const words = outage(error);
    if (words === null || signal.aborted) throw error;
    if (since === null && limit > 0) log(`${words}. Trying again until it is back.`);
    since ??= Date.now();
    if (Date.now() - since >= limit) throw error;
  };
  return async (work) => {
    for (;;) {
      try {
        const result = await work(isWell);
        isWell();
        return result;
      } catch (error) {
        failed(error);
        await delay(pause, undefined, { signal }).catch(() => {});
        pause = Math.min(2 * pause, LONGEST_MS);
      }
    }
  };
}
