/** What is used of oracledb, beneath its documented interface; all of it may be missing in another version. */
import type { AdapterName } from '../../../adapters.ts';
import { guarded } from '../../../process/lapses.ts';

export const PART = 'oracledb' satisfies AdapterName;

/** Of thin mode; none any more once it is disconnected. */
export interface Transport {
  err?: unknown;
  stream?: { bytesRead?: number; destroyed?: boolean } | null;
}

/** A session: the same object for each of its leases. */
export interface Session {
  /** An operation of the borrower has not come back yet. */
  _inProgress?: boolean;
  /** Of sessions that a pool made. */
  _pool?: object;
  /** Database resident pooling: closing gives the server its session back. */
  _drcpEnabled?: boolean;
  /** There from the moment that the listener has accepted. */
  _protocol?: object;
  nscon?: { connected?: boolean; ntAdapter?: Transport | null };
  connect?(): Promise<unknown>;
}

/** An operation has not come back yet, and its answer can still come: the connection is not known to be gone. */
export function isUnderWay({ _inProgress, nscon }: Session): boolean {
  return _inProgress === true && !isLost(nscon?.ntAdapter);
}

/** Undefined in thick mode, where nothing is known of it. */
function isLost(transport: Transport | null | undefined): boolean {
  if (transport === undefined) return false;
  return (
    transport === null || Boolean(transport.err) || transport.stream === null || transport.stream?.destroyed === true
  );
}

/** What the service gets: a fresh one for each borrow, without a session once it is closed. */
export interface Connection {
  _impl?: Session;
  _closing?: boolean;
  _pool?: Pool;
}

export interface PoolSessions {
  _usedConnectionList?: Iterable<Session>;
  _freeConnectionList?: Iterable<Session>;
}

/** An acquire inside the pool; nobody else sees it. */
export interface PoolRequest {
  /** False once it has timed out. */
  isWaiting: boolean;
  /** What it is served with, set before `resolve` is called. */
  conn: Connection | null;
  resolve(): void;
  reject(error: unknown): void;
}

export interface Pool {
  status: number;
  poolAlias?: string;
  poolMax: number;
  poolMin: number;
  connectionsInUse: number;
  connectionsOpen: number;
  /** What the pool itself counts as taken; it lends no more than `poolMax` by this number. */
  _connectionsOut: number;
  /** Requests that it works on. */
  _processing: number;
  _pendingRequestQueue: Set<PoolRequest>;
  _impl: PoolSessions;
}

export const POOL_CLOSED = 6002;

/** What is known of a pool beside the driver's own state. */
export interface PoolFacts {
  name: string;
  /** Acquires that somebody waits for; and those that nobody waits for, but that the pool works on. */
  waiting: number;
  abandoned: number;
}

/** The driver's own table of its classes, filled when it is initialised: the thin driver is loaded late. */
export interface Classes {
  ConnectionImpl?: { prototype: object };
  PoolImpl?: { prototype: object };
}

/** Calls `found` with the prototype of the class that the driver works with, now or when it is set. */
export function whenDefined<Key extends keyof Classes>(
  classes: Classes,
  key: Key,
  found: (prototype: object) => void,
): void {
  let current = classes[key];
  const tell = () => guarded(PART, () => current && found(current.prototype));
  tell();
  Object.defineProperty(classes, key, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (value: Classes[Key]) => {
      current = value;
      tell();
    },
  });
}

/** Whether `connection.close(...args)` gives it back: the driver refuses a second one, and options that it does not know. */
export function isClosing({ _impl, _closing }: Connection, args: ArrayLike<unknown>): boolean {
  if (_impl === undefined || _closing) return false;
  const count = args.length - (typeof args[args.length - 1] === 'function' ? 1 : 0);
  if (count === 0) return true;
  const options = args[0];
  if (count > 1 || typeof options !== 'object' || options === null) return false;
  const { drop } = options as { drop?: unknown };
  return drop === undefined || typeof drop === 'boolean';
}
