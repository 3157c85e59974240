/**
 * How fast this machine and its database are right now, measured before anything is offered to them. A control, the
 * same work without a database, is measured before and after: if it changed, something else was at work meanwhile.
 *
 * Errs where the machine gets faster or slower after it was measured; the rules (rules.ts) leave room for that.
 */
import { fork } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openSession } from '../../pipeline/store/database.ts';
import type { BurstOrder, BurstTold } from './logon-burst.ts';
import { type LoadServer, ServerMeter } from './server.ts';
import { COUNT_DONE, createLoadTables, NOTE_DONE, READ } from './tables.ts';

export interface Speed {
  /** Logons a second when many are asked for at once. */
  logons: number;
  /** Transactions a second of the load, over ten connections. */
  transactions: number;
  /** Milliseconds that a program which logs on was held up at once, at most. */
  heldUpMs: number;
  /** What one session takes of the server; null where its processes are not on this machine. */
  session: { cpuMs: number; memoryBytes: number } | null;
  /** Milliseconds that the control took, before and after. */
  control: [before: number, after: number];
}

/** As a storm comes: from several programs. Many at once get more of a busy machine than few. */
const PROGRAMS = 4;
const MOST_OF_EACH = 75;
/** Of the server's sessions, so many are asked for at most. */
const SHARE_OF_SESSIONS = 0.8;
const ROUNDS = 2;
const CONNECTIONS = 10;
const LOGON_MS = 60_000;
const BURST = fileURLToPath(new URL(`./logon-burst.${import.meta.url.split('.').at(-1)}`, import.meta.url));
const TRANSACTIONS_MS = 1000;
const JOB = 'measure';

/** Takes a few seconds. */
export async function measureSpeed(server: LoadServer): Promise<Speed> {
  const { url, drop } = await server.create('outlive_measure');
  try {
    const session = await openSession(url, LOGON_MS);
    await createLoadTables(session, [JOB], CONNECTIONS).finally(() => session.end());
    const sessions = server.limits.maxSessions ?? Number.POSITIVE_INFINITY;
    const each = Math.max(1, Math.min(MOST_OF_EACH, Math.floor((SHARE_OF_SESSIONS * sessions) / PROGRAMS)));
    const logons = PROGRAMS * each;
    const before = control();
    const transactions = await transactionsASecond(url);
    const meter = await ServerMeter.start(url);
    const bursts: Burst[] = [];
    for (let round = 0; round < ROUNDS; round++) bursts.push(await logOn(url, each, () => meter?.look()));
    const use = meter?.stop() ?? null;
    return {
      logons: bursts.reduce((sum, { rate }) => sum + rate, 0) / ROUNDS,
      transactions,
      heldUpMs: Math.max(...bursts.map((burst) => burst.heldUpMs)),
      session: use && { cpuMs: use.cpuMs / (ROUNDS * logons), memoryBytes: use.memoryPeakBytes / logons },
      control: [before, control()],
    };
  } finally {
    await drop();
  }
}

/** In words, for people. */
export function speedWords({ logons, transactions, heldUpMs, session, control }: Speed): string {
  const [before, after] = control.map(Math.round);
  const cost = session
    ? `, a session takes ${session.cpuMs.toFixed(1)} ms of the server's CPU to open and ${(session.memoryBytes / 2 ** 20).toFixed(1)} MB`
    : '';
  return `Measured here: ${Math.round(logons)} logons and ${Math.round(transactions)} transactions a second${cost}; a program was held up for ${Math.round(heldUpMs)} ms at once, and the control took ${before} ms before and ${after} ms after.`;
}

interface Burst {
  /** Logons a second. */
  rate: number;
  heldUpMs: number;
}

/** `count`: of each program; `whileOpen` is called when all sessions are. */
async function logOn(url: string, count: number, whileOpen: () => void): Promise<Burst> {
  const programs = Array.from({ length: PROGRAMS }, () =>
    fork(BURST, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  );
  try {
    await Promise.all(programs.map((program) => once(program, 'message')));
    const began = Date.now();
    const ended = programs.map(async (program) => {
      program.send({ url, count } satisfies BurstOrder);
      const [told] = (await once(program, 'message')) as [BurstTold];
      if ('endedAt' in told) return told;
      throw new Error(`the server cannot be measured: ${'failed' in told ? told.failed : 'no answer'}`);
    });
    const all = await Promise.all(ended);
    whileOpen();
    const last = Math.max(...all.map(({ endedAt }) => endedAt));
    const heldUpMs = Math.max(...all.map((each) => each.heldUpMs));
    return { rate: (1000 * PROGRAMS * count) / (last - began), heldUpMs };
  } finally {
    await Promise.all(programs.map((program) => (program.kill('SIGKILL') ? once(program, 'exit') : null)));
  }
}

async function transactionsASecond(url: string): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => openSession(url, LOGON_MS)));
  const began = performance.now();
  const counts = await Promise.all(
    sessions.map(async (session, lane) => {
      let done = 0;
      for (; performance.now() - began < TRANSACTIONS_MS; done++) {
        await session.begin();
        await session.query(READ, [JOB]);
        await session.execute(NOTE_DONE, [JOB, lane, done]);
        await session.execute(COUNT_DONE, [JOB, lane]);
        await session.commit();
      }
      return done;
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(sessions.map((session) => session.end()));
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

function control(): number {
  const began = performance.now();
  pbkdf2Sync('control', 'control', 100_000, 32, 'sha256');
  return performance.now() - began;
}
