/** What the ledger knows of one pool: who waits for it, who timed out, and how to ask it for more. */
import type { Chain } from './chain.ts';
import type { Cut } from './cut.ts';
import type { Request, Resource } from './ledger.ts';
import type { Site } from './site.ts';

export interface PoolGauges {
  used: number;
  idle: number;
  pending: number;
}

/** Time-outs that follow each other within this time are of one episode; milliseconds. */
export const EPISODE_MS = 1000;

/** Who held a pool at the moment when an acquire timed out. */
export interface Exhaustion {
  at: number;
  waitedMs: number;
  /** Where the acquire was. */
  asker: Site | null;
  /** A new connection did not come up in time, rather than no lease coming back. */
  isConnect: boolean;
  gauges: PoolGauges;
  holders: Holder[];
  /** Acquires per second, of the episode's first time-out: in the time waited, and before that since the pool was first used. */
  demand: { now: number; before: number };
  /** Who waited, the one that timed out included, where flows can be followed. */
  waiting: Waiting[];
}

export interface Holder {
  resource: Resource;
  ageMs: number;
  idleMs: number;
  /** Null where the adapter cannot tell. */
  busy: boolean | null;
  /** What its flow waits for instead; null: not known of any. */
  elsewhere: string | null;
}

export function holderOf(resource: Resource, at: number): Holder {
  const { openedAt, lastUsedAt, isBusy, waitsFor: elsewhere } = resource;
  return { resource, ageMs: at - openedAt, idleMs: at - lastUsedAt, busy: isBusy ? isBusy() : null, elsewhere };
}

/** An acquire that waited when another timed out: what its flow held already, of the same pool. */
export interface Waiting {
  site: Site | null;
  held: Resource[];
}

/** Which connection of a server somebody speaks through; null: not known. */
export interface Peer {
  localAddress?: string | null;
  localPort: number | null;
  /** `address:port` of the other end. */
  server?: string | null;
  /** What the server calls it: PostgreSQL's backend, Oracle's CONNECTION_ID. */
  connectionId: string | null;
  state: 'used' | 'idle';
}

export interface PoolState {
  /** Which one it is in the recording: beyond some hundreds, several are one. */
  id: number;
  name: string;
  /** 0: unlimited or unknown. */
  max: number;
  /** Null when the pool is gone. */
  gauges(): PoolGauges | null;
  /** Who holds it now. */
  leases(at: number): Holder[];
  /** The pool's connections, found when asked for; idle ones, and those of nobody known, have no resource. */
  peers?(): Iterable<{ resource: Resource | null; peer: Peer }>;
  /** Cuts each lease that is idle out of what the library keeps, and adds what puts it back; it must not dereference one. */
  cut?(cuts: Cut[]): void;
  /** Takes away what was noted on the pool's own objects. */
  forget?(): void;
  /** Enters those of its leases that were only counted so far. */
  enterCounted?(): void;
  /** How many idle connections it keeps at least and at most; null: unknown. */
  idleLimits?(): { min: number | null; max: number | null };
  /** Acquires that are queued, longest first. */
  waiting: Chain<Request>;
  /** 0: never. */
  lastReleasedAt: number;
  /** Since when it is being shut down; 0: it is not. */
  endingAt: number;
  /** Who waits for that. */
  endedBy: Site | null;
  /** The latest acquires that timed out, and how many there were. */
  exhaustions: Exhaustion[];
  timeouts: number;
  /** What those who timed out had waited, milliseconds. */
  waitedInVain: number;
  /** Of these, how many there were at the last judgement. */
  timeoutsJudged: number;
}
