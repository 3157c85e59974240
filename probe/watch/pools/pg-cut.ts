/**
 * How pg lets go of a client, for proof/prover.ts: a client is referred to by the listeners that it has on its connection,
 * and by its pool. The connection itself stays, and so does the server's session.
 */
import type { Client } from './pg-client.ts';
import { markStandIn } from './stand-in.ts';

interface Connection {
  _events: object;
  _eventsCount: number;
  stream: { once(event: 'close', listener: () => void): void };
  on(event: string, listener: () => void): void;
  end(): void;
}

/** A client's listeners on its connection. */
const listeners: WeakMap<object, object> = new WeakMap();

/** Takes the place of a client that nobody could reach, as far as a pool and its users' loops over it need one. */
export class StandIn {
  readonly connection: Connection;
  constructor(connection: Connection) {
    markStandIn(this);
    this.connection = connection;
    connection._events = Object.create(null);
    connection._eventsCount = 0;
    // the client would have told its user, of whom there is none
    connection.on('error', () => {});
  }
  end(callback: () => void = () => {}): void {
    this.connection.stream.once('close', callback);
    this.connection.end();
  }
}

/**
 * Whether who else holds the client tells who can give it back: it is idle, alive, and waits for nothing. A listener of
 * the service's, such as a LISTEN client's, may be all that it needs; `harmless`: events that mean no such thing.
 */
export function canBeCut(client: Client, harmless: readonly string[]): boolean {
  const { connection, readyForQuery, _queryable, _ending, _queryQueue, queryQueue, _events } = ownValues(client);
  if (!isConnection(connection) || readyForQuery !== true || _queryable === false || _ending === true) return false;
  const queue = _queryQueue ?? queryQueue;
  if (Array.isArray(queue) && queue.length > 0) return false;
  return Object.keys((_events as object | undefined) ?? {}).every((event) => harmless.includes(event));
}

/** The connection, which does not refer to its client any more. */
export function cutClient(client: Client): Connection {
  const { connection } = client as unknown as { connection: Connection };
  listeners.set(client, connection._events);
  connection._events = Object.create(null);
  return connection;
}

export function restoreClient(client: object, connection: Connection): void {
  connection._events = listeners.get(client) ?? connection._events;
}

/** Own data properties alone: newer versions warn about the use of some getters, and the warning keeps its receiver. */
function ownValues(client: object): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(client))) values[key] = value;
  return values;
}

function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && '_events' in value && 'stream' in value;
}
