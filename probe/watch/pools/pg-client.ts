/** What a pg client tells of its own state. */
import type { AdapterName } from '../../adapters.ts';
import { aroundOwn } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Answered } from '../sessions/driver.ts';

const PART = 'pg' satisfies AdapterName;

export interface Client {
  /** From 8.17; what the server said with its last answer. */
  getTransactionStatus?(): 'I' | 'T' | 'E' | null;
  /** Of a pool's: new with each borrow, when the client is handed over. */
  release?: unknown;
  readyForQuery?: boolean;
  _queryable?: boolean;
  _ending?: boolean;
  _ended?: boolean;
  connection?: { stream?: { destroyed?: boolean } };
  _activeQuery?: Query | null;
  _queryQueue?: Query[];
  /** Where several are under way at once. */
  _sentQueryQueue?: Query[];
  /** Before 8.19. */
  queryQueue?: Query[];
  activeQuery?: Query | null;
}

interface Query {
  cursor?: { state?: string };
  state?: string;
}

export function isInTransaction(client: Client): boolean {
  const status = client.getTransactionStatus?.();
  return status === 'T' || status === 'E';
}

export function isConnected({ _ending, _queryable }: Client): boolean {
  return _ending !== true && _queryable !== false;
}

/** The connection is gone, whoever ended it: no answer comes any more. */
export function isDead({ _queryable, _ended, connection }: Client): boolean {
  return _queryable === false || _ended === true || connection?.stream?.destroyed === true;
}

/** Whether the client still waits for a query; undefined internals count as idle. */
export function isBusy(client: WeakRef<Client>): () => boolean {
  return () => {
    const alive = client.deref();
    if (alive?.readyForQuery !== false || alive._ending === true || isDead(alive)) return false;
    // a cursor or query stream that nobody reads keeps the client, but nothing is under way
    const query = alive._activeQuery;
    return (query?.cursor ?? query)?.state !== 'idle';
  };
}

/** Sooner than this the end of the client counts as the end of the transaction: the pool discards broken ones. */
const DISCARD_MS = 1000;

/**
 * Whether a transaction that a client was given back in, at `openedAt`, is over. The server says so; a connection that
 * was closed only later did not end it in time.
 */
export function isTransactionOver<T extends object>(
  weak: WeakRef<T>,
  openedAt: number,
  isIn: (client: T) => boolean,
  isAlive: (client: T) => boolean,
): () => boolean {
  let isLost = false;
  return () => {
    if (isLost) return false;
    const client = weak.deref();
    if (client && isAlive(client)) return !isIn(client);
    isLost = now() - openedAt > DISCARD_MS;
    return !isLost;
  };
}

/** Tells what the server says to the statement that the client was just given: of each there is an object. */
export function answersOf(client: Client, answered: Answered): void {
  const queued = client._queryQueue ?? (Object.hasOwn(client, 'queryQueue') ? client.queryQueue : undefined);
  const query = queued?.at(-1) ?? client._sentQueryQueue?.at(-1) ?? client._activeQuery ?? client.activeQuery;
  if (!query) return;
  aroundOwn(PART, query, 'callback', {
    before: (_, error, result) => (error ? answered.fails() : answered.succeeds(rowsOf(result))),
  });
}

/** Of several statements in one text there are several results. */
function rowsOf(results: unknown): readonly unknown[] {
  const all = (Array.isArray(results) ? results : [results]) as ({ rows?: unknown[] } | undefined)[];
  return all.flatMap((result) => result?.rows ?? []);
}
