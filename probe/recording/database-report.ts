/** What `report.json` says of the databases that were watched beside a run. */
import type { DatabaseKind, SessionState } from './database.ts';
import type { Site } from './report.ts';

/** A lease, or an idle connection of a pool, as its process recorded it. */
export interface Holding {
  pid: number;
  thread: number;
  library: string;
  pool: string;
  state: 'used' | 'idle';
  /** The line that acquired it; null when it is not lent, or no stack was taken. */
  site: Site | null;
  /** Milliseconds since it was acquired and since it was last used, at the same moment as the session. */
  ageMs: number | null;
  idleMs: number | null;
  busy: boolean | null;
}

export interface JoinedSession {
  id: string;
  address: string | null;
  port: number | null;
  application: string | null;
  state: SessionState;
  stateMs: number;
  transactionMs: number | null;
  wait: string | null;
  blockedBy: string[];
  statement: string | null;
  /** Advisory locks that it has. */
  locks?: number;
  /** Null: no recorded process has it. */
  holding: Holding | null;
  /** Of a session that nobody has: the process that had it, and ended or let it go. */
  formerly: Holding | null;
}

/** Which metric moved with which. Never a cause. */
export interface Association {
  application: string;
  database: string;
  /** Seconds by which the database's metric follows (negative: precedes) the application's. */
  lag: number;
  /** Spearman's rank correlation of the changes, -1 to 1. */
  strength: number;
  /** Adjusted for all that were compared. */
  p: number;
  /** Moments that were compared. */
  samples: number;
  sentence: string;
}

export interface DatabaseReport {
  name: string;
  kind: DatabaseKind;
  version: string | null;
  address: string | null;
  maxSessions: number | null;
  /** ISO 8601. */
  from: string;
  to: string;
  looks: number;
  gaps: { from: string; to: string | null; why: string; isRefused: boolean }[];
  missing: string[];
  peak: { sessions: number; active: number; idleInTransaction: number; waitingForLocks: number };
  /** While it was watched. */
  transactions: { commits: number; rollbacks: number; deadlocks: number; lostSessions: number };
  /** Null where the server runs elsewhere. */
  cost: { cpuMs: number; cpuPerTransactionMs: number | null; memoryPeakBytes: number | null } | null;
  /** Its metrics over time, thinned; null where one was not seen. */
  over: {
    /** Milliseconds since 1970. */
    at: number[];
    sessions: number[];
    active: number[];
    idleInTransaction: number[];
    waitingForLocks: number[];
    transactionsPerSecond: (number | null)[];
    /** Of one processor: 2 is two of them. */
    cpu: (number | null)[];
    memoryBytes: (number | null)[];
  };
  /** When the sessions below were seen; null: never beside a recorded process. */
  sessionsAt: string | null;
  /** Those of the application, each with who held it; those that nobody held and should be looked at come first. */
  sessions: JoinedSession[];
  /** Leases whose session the server does not have (any more). */
  leasesWithoutSession: Holding[];
  /** What stood out during the whole run, one sentence each. */
  notable: string[];
  associations: Association[];
  /** Why nothing is said of what moved together; null when it was looked for. */
  associationsUnknown: string | null;
}
