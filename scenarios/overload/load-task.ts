/** One lane of a load job: begins each transaction when it is due, and tries until it is done. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TaskContext } from '../../pipeline/cluster/protocol.ts';
import { failureOf } from '../../pipeline/store/failure.ts';
import type { Connection } from '../../pipeline/store/store.ts';
import { arrivalsOf, type JobLoad, type Load } from './load.ts';
import { COUNT_DONE, DONE_BEFORE, NOTE_DONE, READ } from './tables.ts';

/** Plain data, the same for every lane of a job. */
export interface LoadTaskOptions {
  load: Load;
  job: JobLoad;
  /** Wall clock, milliseconds since 1970: all lanes begin together. */
  startAt: number;
  /** A transaction that is not done by then, in milliseconds since the start, is lost. */
  giveUpAfter: number;
}

export interface LaneResult {
  /** Of each transaction, from when it was due until it was done, milliseconds. */
  latencies: number[];
  /** Done by an attempt of this lane that did not live to tell how long they took. */
  doneBefore: number;
  lost: number;
  failures: Failure[];
  /** Wall clock of the last one. */
  endedAt: number;
}

/** Attempts of transactions that failed alike; failed logons are in the connections' own account. */
export interface Failure {
  stage: 'acquire' | 'work';
  code: string | null;
  message: string;
  count: number;
}

/** After a failure the whole lane rests: doubled each time, up to the longest, and spread at random. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export default async function run(context: TaskContext): Promise<LaneResult> {
  const { load, job, startAt, giveUpAfter } = context.options as LoadTaskOptions;
  const { index: lane, attempt, signal } = context;
  const failures = new Map<string, Failure>();
  const done = attempt === 1 ? new Set<number>() : await doneBefore(context);
  const result: LaneResult = { latencies: [], doneBefore: done.size, lost: 0, failures: [], endedAt: startAt };
  const breaker = new Breaker();

  const transactions = arrivalsOf(load, job, lane).map(async (due, ordinal) => {
    if (done.has(ordinal)) return;
    await rest(startAt + due - Date.now(), signal);
    while (!signal.aborted && Date.now() - startAt < giveUpAfter) {
      if (!(await breaker.lets(signal))) continue;
      const begunAt = breaker.failures;
      try {
        await transact(context, job, ordinal);
        breaker.succeeded();
        result.endedAt = Math.max(result.endedAt, Date.now());
        result.latencies.push(Date.now() - startAt - due);
        return;
      } catch (error) {
        breaker.failed(begunAt);
        if (!context.isLogonError(error)) note(failures, error as Error);
      }
    }
    result.lost++;
  });
  await Promise.all(transactions);
  context.tell('done');
  return { ...result, failures: [...failures.values()] };
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {});
}

/**
 * Until when a lane rests; then one transaction tries for all of them. Without it each waiting transaction begins the
 * next logon at once, and a storm feeds itself for ever.
 */
class Breaker {
  /** In a row; attempts that were begun together count as one. */
  failures = 0;
  #until = 0;
  #trial: Promise<void> | null = null;
  #endTrial = (): void => {};

  /** False: not yet, ask again. */
  async lets(signal: AbortSignal): Promise<boolean> {
    if (this.failures === 0) return true;
    if (this.#trial) await this.#trial;
    else if (this.#until > Date.now()) await rest(this.#until - Date.now(), signal);
    else {
      this.#trial = new Promise((resolve) => {
        this.#endTrial = resolve;
      });
      return true;
    }
    return false;
  }

  succeeded(): void {
    this.failures = 0;
    this.#conclude();
  }

  failed(begunAt: number): void {
    if (begunAt !== this.failures) return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS);
    this.#until = Date.now() + pause * (0.5 + Math.random());
    this.#conclude();
  }

  #conclude(): void {
    this.#trial = null;
    this.#endTrial();
  }
}

function note(failures: Map<string, Failure>, error: Error): void {
  const { code = null } = error as NodeJS.ErrnoException;
  const failure = { stage: stages.get(error) ?? 'work', code, message: failureOf(error), count: 1 };
  const key = JSON.stringify(failure);
  const known = failures.get(key);
  if (known) known.count++;
  else failures.set(key, failure);
}

const stages = new WeakMap<Error, Failure['stage']>();

async function transact({ connections, index, job: name }: TaskContext, job: JobLoad, ordinal: number): Promise<void> {
  const connection = await connections.acquire().catch((error: Error) => {
    stages.set(error, 'acquire');
    throw error;
  });
  let broken: Error | undefined;
  try {
    await connection.begin();
    await connection.query(READ, [name]);
    if (job.hold > 0) await delay(job.hold);
    await connection.execute(NOTE_DONE, [name, index, ordinal]);
    await connection.execute(COUNT_DONE, [name, index]);
    await connection.commit();
  } catch (error) {
    await connection.rollback().catch((failure: Error) => {
      broken = failure;
    });
    // the answer to an earlier commit was lost, the commit was not
    if (!isDuplicate(error)) throw error;
  } finally {
    connection.release(broken);
  }
}

function isDuplicate(error: unknown): boolean {
  const { code, errorNum } = error as { code?: string; errorNum?: number };
  return code === '23505' || errorNum === 1;
}

/** By an attempt of this lane that went down with its task manager. */
async function doneBefore({ connections, job, index }: TaskContext): Promise<Set<number>> {
  let connection: Connection | undefined;
  try {
    connection = await connections.acquire();
    const rows = await connection.query<{ ordinal: number }>(DONE_BEFORE, [job, index]);
    return new Set(rows.map(({ ordinal }) => Number(ordinal)));
  } finally {
    connection?.release();
  }
}
