/**
 * Traps of the driver, each recognised while the service is in it, from the driver's own state: what happened is a
 * notice, with what to do about it. None of them is a leak, and none throws an error that names it.
 */

import type { Notices } from '../../../account/notices.ts';
import { now } from '../../../process/runtime.ts';
import { sqlShape } from '../../../recording/sql-shape.ts';
import { isUnderWay, POOL_CLOSED, type Pool, type PoolSessions, type Session } from './driver.ts';
import type { Logon } from './logons.ts';
import type { Pools } from './pools.ts';

/**
 * A logon that the listener has accepted is answered within milliseconds. It hangs when not a byte came for so many, in
 * which the service itself was not too busy to read: it had so many turns.
 */
const HUNG_MS = 5000;
const HUNG_LOOKS = 4;
/** Failed logons in a row that nobody asked for, within a second, that are no coincidence. */
const RETRIES = 20;
const SECOND = 1000;

export class Traps {
  readonly #notices: Notices;
  readonly #pools: Pick<Pools, 'facts' | 'behind'>;
  readonly #logons: Iterable<Logon>;
  readonly #watched: Set<WeakRef<Pool>> = new Set();
  readonly #silences: WeakMap<Logon, Silence> = new WeakMap();
  readonly #retries: WeakMap<PoolSessions, Retries> = new WeakMap();
  readonly #failedAt: WeakMap<object, number> = new WeakMap();
  readonly #staleness: WeakMap<Pool, { how: Staleness['how'] | undefined; isTold: boolean }> = new WeakMap();

  constructor(notices: Notices, logons: Iterable<Logon>, pools: Pick<Pools, 'facts' | 'behind'>) {
    this.#notices = notices;
    this.#logons = logons;
    this.#pools = pools;
  }

  watch(pool: WeakRef<Pool>): void {
    this.#watched.add(pool);
  }

  /** Called about once a second. */
  look(): void {
    for (const logon of this.#logons) this.#lookAtLogon(logon);
    for (const weak of this.#watched) {
      const pool = weak.deref();
      if (pool) this.#lookAtCounters(pool);
      else this.#watched.delete(weak);
    }
  }

  #tell(pool: Pool | null, name: string, sentence: string, remedy: string, isSame = false): void {
    const notice = { library: 'oracledb', pool: pool && this.#pools.facts(pool).name, name, sentence, remedy };
    this.#notices.tell(notice, isSame);
  }

  /** No time-out after accept, and in a pool everybody waits behind it: connections are made one after the other. */
  #lookAtLogon(logon: Logon): void {
    const { nscon } = logon.session;
    if (nscon?.connected !== true) return;
    const at = now();
    const bytes = nscon.ntAdapter?.stream?.bytesRead ?? 0;
    const known = this.#silences.get(logon);
    const silence = known?.bytes === bytes ? known : { bytes, since: at, looks: 0, toldAt: 0 };
    this.#silences.set(logon, silence);
    const lasts = at - silence.since;
    if (++silence.looks < HUNG_LOOKS || lasts < Math.max(HUNG_MS, 2 * silence.toldAt)) return;
    const before = silence.toldAt;
    silence.toldAt = lasts;
    const seconds = Math.round(lasts / SECOND);
    const pool = this.#pools.behind(logon.session._pool);
    this.#tell(
      pool,
      'logon-without-timeout',
      `A logon that the listener has accepted has not got a byte for ${seconds} s, and the driver will wait for ever: its connectTimeout ends with the accept.`,
      'Find out why the database does not answer logons. Set expireTime, so that a peer that is gone is noticed, and let a watchdog of your own restart the process when an acquire takes too long.',
      before > 0,
    );
    const waiting = pool ? this.#pools.facts(pool).waiting : 0;
    if (!pool || waiting < 2) return;
    this.#tell(
      pool,
      'serial-creation',
      `${waiting} acquires wait behind one logon that has hung for ${seconds} s: the pool makes its connections one after the other, so none of them is served before it ends, however many are allowed.`,
      'Keep poolMin at the connections you need, so that few are made under load, and set queueTimeout, so that acquires fail instead of waiting for ever. Only a new pool, or the end of that socket, helps now.',
      before > 0,
    );
  }

  failedLogon({ session }: Logon, error: unknown): void {
    const at = now();
    if (typeof error === 'object' && error !== null) this.#failedAt.set(error, at);
    const sessions = session._pool as (PoolSessions & { _pendingRequests?: unknown[] }) | undefined;
    const pool = this.#pools.behind(sessions);
    if (!sessions || !pool || pool.connectionsOpen >= pool.poolMin) return;
    // one that an acquire waits for is not of the pool's own accord
    if ((sessions._pendingRequests?.length ?? 0) > 0) return;
    const known = this.#retries.get(sessions);
    const retries = known && at - known.last < SECOND ? known : { since: at, last: at, count: 0, toldAt: 0 };
    this.#retries.set(sessions, retries);
    retries.last = at;
    retries.count++;
    const isOften = retries.count >= RETRIES * (1 + (at - retries.since) / SECOND);
    if (!isOften || retries.count < 2 * retries.toldAt) return;
    const isSame = retries.toldAt > 0;
    retries.toldAt = retries.count;
    this.#tell(
      pool,
      'retry-without-delay',
      `The pool tried to connect ${retries.count} times within ${Math.max(1, Math.round(at - retries.since))} ms and was refused each time: below poolMin (${pool.poolMin}) it tries again without a pause.`,
      'Put RETRY_COUNT and RETRY_DELAY into the connect descriptor, or create the pool with poolMin 0, so that only acquires connect.',
      isSame,
    );
  }

  /** The pool hands an error of its own retries to whoever asks next, even when the database is back. */
  failedAcquire(pool: Pool, askedAt: number, error: unknown): void {
    const failedAt = typeof error === 'object' && error !== null ? this.#failedAt.get(error) : undefined;
    if (failedAt === undefined || failedAt >= askedAt) return;
    this.#tell(
      pool,
      'stale-error',
      `An acquire failed with the error of a logon that had failed ${Math.round(askedAt - failedAt)} ms before it was asked for.`,
      'Try such an acquire once more: the pool keeps the last error of its own retries for whoever comes next.',
    );
  }

  /** The pool logs a session off. If a call is under way there, the answer to the logoff is taken for the call's. */
  loggingOff(sessions: PoolSessions, session: Session, operation: string | null): void {
    // what a lost connection had under way has failed already, and was told to the service
    if (!isUnderWay(session)) return;
    this.#tell(
      this.#pools.behind(sessions),
      'close-during-call',
      `The pool was closed by force while a call was under way${operation ? ` (${sqlShape(operation)})` : ''}: its promise, and the close() of its connection, never settle.`,
      'Give pool.close(seconds) more time than the longest call takes, or set callTimeout, or wait for the work to end before.',
    );
  }

  /** What the pool believes to be taken, against what is. Told when two looks in a row agree: in between it may differ. */
  #lookAtCounters(pool: Pool): void {
    const { connectionsInUse: used, _connectionsOut: out, poolMax, status } = pool;
    const stale = staleness(
      { used, out, poolMax, abandoned: this.#pools.facts(pool).abandoned },
      status === POOL_CLOSED,
    );
    const before = this.#staleness.get(pool);
    const isSame = before !== undefined && before.how === stale?.how;
    this.#staleness.set(pool, { how: stale?.how, isTold: isSame });
    if (!stale || !isSame || before.isTold) return;
    this.#tell(
      pool,
      'stale-counters',
      stale.sentence,
      'Judge the pool by the sessions that the database sees (v$session), not by its counters alone; a new pool starts from zero.',
    );
  }
}

/** Of a logon, since the last byte that came. */
interface Silence {
  bytes: number;
  since: number;
  looks: number;
  /** How long it had lasted when it was told. */
  toldAt: number;
}

interface Retries {
  since: number;
  last: number;
  count: number;
  toldAt: number;
}

interface Counters {
  used: number;
  /** What the pool counts as taken: never less than what is used, since it counts before it takes one and after it gave one back. */
  out: number;
  poolMax: number;
  abandoned: number;
}

interface Staleness {
  how: 'closed' | 'given back twice' | 'abandoned';
  sentence: string;
}

function staleness({ used, out, poolMax, abandoned }: Counters, isClosed: boolean): Staleness | null {
  if (isClosed) {
    if (used === 0) return null;
    return {
      how: 'closed',
      sentence: `The pool is closed, and connectionsInUse still says ${used}: it was closed by force while they were out.`,
    };
  }
  if (out < used) {
    return {
      how: 'given back twice',
      sentence: `The pool counts ${out} connections as taken where ${used} are: it gave one back twice, as it does when a sessionCallback fails, and from now on lets more than poolMax (${poolMax}) acquires through at once.`,
    };
  }
  if (abandoned > 0) {
    return {
      how: 'abandoned',
      sentence: `The pool counts ${out} of ${poolMax} connections as taken where ${used} are in use: ${abandoned} acquires that timed out keep their places until the logon they waited for ends.`,
    };
  }
  return null;
}
