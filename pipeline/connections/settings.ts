/** How a task manager's jobs come by their connections. */

/**
 * `shared`: one pool for all jobs of a task manager. `per-slot`: each slot has a pool of its own. `per-job`: a job has
 * exactly one pool in each task manager, whichever of its slots ask (the hybrid).
 */
export const POOL_MODELS = ['shared', 'per-slot', 'per-job'] as const;
export type PoolModel = (typeof POOL_MODELS)[number];

/** The driver's own pool, or generic-pool around the driver's single sessions. */
export const POOL_LIBRARIES = ['driver', 'generic-pool'] as const;
export type PoolLibrary = (typeof POOL_LIBRARIES)[number];

/** Plain data: it travels to the task managers. Times in milliseconds. */
export interface ConnectionSettings {
  model: PoolModel;
  library: PoolLibrary;
  /** Of the database; holds the password. */
  url: string;
  /** Connections of one pool. */
  max: number;
  /** How long `acquire()` waits for a free or new connection; then it throws. */
  acquireTimeout: number;
  /** How long one logon may take; then it is given up. */
  logonTimeout: number;
  /** How long a statement waits for its answer (default 60 s); then it throws, and its connection is closed. */
  answerTimeout?: number;
  /** An idle connection is closed after this time. */
  idleTimeout: number;
  /** Stands before the names of all pools, so that the server can tell whose a session is. */
  owner?: string;
}

export const DEFAULT_CONNECTIONS = {
  max: 8,
  acquireTimeout: 10_000,
  logonTimeout: 10_000,
  idleTimeout: 10_000,
} as const satisfies Partial<ConnectionSettings>;

/** Who asks for connections: one slot at work on one job. */
export interface Seat {
  job: string;
  slot: number;
}

/** Seats with the same name share a pool. Also what the server is told, so without spaces: oracledb takes none. */
export function poolNameOf(model: PoolModel, { job, slot }: Seat): string {
  if (model === 'shared') return 'shared';
  return model === 'per-job' ? job : `${job}-${slot}`;
}
