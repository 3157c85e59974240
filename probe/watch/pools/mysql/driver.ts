/** What mysql and mysql2 have in common: the one was written after the other, with the same pool. */
import type { Socket } from 'node:net';

/** An array in mysql; in mysql2 a queue of its own, by whichever name its versions have for it. */
export type List<T> = T[] | Queue<T>;

interface Queue<T> {
  readonly length: number;
  get(index: number): T | undefined;
  removeOne(index: number): unknown;
  push(item: T): unknown;
}

export interface Pool {
  config: {
    connectionLimit?: number;
    resetOnRelease?: boolean;
    connectionConfig?: { database?: unknown };
  };
  _closed: boolean;
  _allConnections: List<Connection>;
  _freeConnections: List<Connection>;
  _connectionQueue: List<unknown>;
  _removeConnection(connection: unknown): void;
}

export interface Connection {
  config?: { isServer?: boolean };
  _pool?: Pool | null;
  /** mysql2 … */
  stream?: Socket;
  _command?: unknown;
  _commands?: { length: number };
  _paused?: boolean;
  _closing?: boolean;
  _fatalError?: unknown;
  /** … and mysql. */
  _socket?: Socket;
  _protocol?: { _queue?: unknown[]; _ended?: boolean; _fatalError?: unknown };
}

export function* each<T>(list: List<T> | undefined): Generator<T> {
  for (let i = 0; i < (list?.length ?? 0); i++) {
    const item = Array.isArray(list) ? list[i] : list?.get(i);
    if (item !== undefined) yield item;
  }
}

/** Their order tells nothing. */
export function replace<T>(list: List<T>, before: unknown, after: unknown): void {
  const at = [...each(list)].indexOf(before as T);
  if (at < 0) return;
  if (Array.isArray(list)) list[at] = after as T;
  else {
    list.removeOne(at);
    list.push(after as T);
  }
}

export function socketOf({ stream, _socket }: Connection): Socket | undefined {
  return stream ?? _socket;
}

/** A statement waits for its answer, or is being answered. */
export function isAnswering({ _command, _commands, _protocol }: Connection): boolean {
  return !!_command || (_commands?.length ?? 0) > 0 || (_protocol?._queue?.length ?? 0) > 0;
}

/** Whether the borrower still waits for the server; a stream that nobody reads does not. */
export function isBusy(weak: WeakRef<Connection>): () => boolean {
  return () => {
    const connection = weak.deref();
    if (!connection || isDead(connection) || !isAnswering(connection)) return false;
    return connection._paused !== true && socketOf(connection)?.isPaused() !== true;
  };
}

/** No answer comes any more, whoever ended it. */
export function isDead(connection: Connection): boolean {
  const { _closing, _fatalError, _protocol } = connection;
  const isOver = _closing === true || !!_fatalError || _protocol?._ended === true || !!_protocol?._fatalError;
  return isOver || socketOf(connection)?.destroyed === true;
}

/** The text of a statement, in any of the forms that it may be given in; its values are not touched. */
export function textOf(statement: unknown): string | null {
  const text = typeof statement === 'object' ? (statement as { sql?: unknown } | null)?.sql : statement;
  return typeof text === 'string' ? text : null;
}

/** The object of a prototype chain that has the method itself. */
export function ownerOf(prototype: object, method: string): object {
  for (let owner = prototype; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (Object.hasOwn(owner, method)) return owner;
  }
  return prototype;
}
