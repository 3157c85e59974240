/**
 * How mysql and mysql2 let go of a connection, for proof/prover.ts: their pool refers to it, and so do its listeners on
 * its socket. The socket itself stays, and so does the server's session.
 *
 * One that is encrypted is referred to by more than that, and is so never taken for lost.
 */
import type { Socket } from 'node:net';
import type { Cut } from '../../../account/cut.ts';
import type { Resource } from '../../../account/ledger.ts';
import { markStandIn } from '../stand-in.ts';
import { type Connection, isAnswering, isDead, type Pool, replace, socketOf } from './driver.ts';

/** Events that a listener of the service's may be for: those that no answer of the server's comes by. */
const HARMLESS_EVENTS = ['error', 'end', 'newListener', 'removeListener'];

export type OwnSocket = Socket & { _events: object; _eventsCount: number };

/** A connection's listeners on its socket. */
const listeners: WeakMap<object, object> = new WeakMap();

/** Whether who else holds it tells who can give it back: it is idle, alive, and waits for nothing. */
function canBeCut(connection: Connection, harmless: readonly string[]): boolean {
  const { _events = {} } = connection as { _events?: object };
  if (!socketOf(connection) || isAnswering(connection) || isDead(connection)) return false;
  return Object.keys(_events).every((event) => harmless.includes(event));
}

/** Its socket, which does not refer to it any more. Null: it is not to be judged now. */
export function letGo(connection: Connection, harmless: readonly string[] = HARMLESS_EVENTS): OwnSocket | null {
  if (!canBeCut(connection, harmless)) return null;
  const socket = socketOf(connection) as OwnSocket;
  listeners.set(connection, socket._events);
  socket._events = Object.create(null);
  return socket;
}

export function takeBack(connection: object, socket: OwnSocket): void {
  socket._events = listeners.get(connection) ?? socket._events;
}

/** Null: it is not to be judged now. `stands`: told of what takes the connection's place. */
export function cut(
  pool: Pool,
  connection: Connection,
  lease: Resource,
  ref: WeakRef<Connection>,
  stands: (standIn: StandIn) => void,
): Cut | null {
  const socket = letGo(connection);
  if (!socket) return null;
  replace(pool._allConnections, connection, socket);
  return cutOf(pool, socket, lease, ref, stands);
}

/** A function of its own: what it makes must not share a scope with the connection. */
function cutOf(
  pool: Pool,
  socket: OwnSocket,
  resource: Resource,
  ref: WeakRef<Connection>,
  stands: (standIn: StandIn) => void,
): Cut {
  let standIn: StandIn | null = null;
  return {
    resource,
    ref,
    restore(connection) {
      takeBack(connection, socket);
      replace(pool._allConnections, socket, connection);
    },
    substitute() {
      standIn = new StandIn(pool, socket);
      replace(pool._allConnections, socket, standIn);
      stands(standIn);
    },
    heal: () => standIn?.destroy(),
  };
}

/** Takes the place of a connection that nobody could reach, as far as its pool needs one. */
export class StandIn {
  /** As the pool's own have them. */
  readonly state = 'authenticated';
  readonly _protocol: object = {};
  readonly stream: Socket;
  _pool: Pool | null;

  /** `pool` null: it is another library's. */
  constructor(pool: Pool | null, socket: OwnSocket) {
    markStandIn(this);
    this._pool = pool;
    this.stream = socket;
    socket._eventsCount = 0;
    // whoever reads the socket would have told its user, of whom there is none
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('end', () => socket.destroy());
    socket.once('close', () => this.#leave());
  }

  end(callback: (error?: Error) => void = () => {}): void {
    this.stream.once('close', () => callback());
    this.stream.destroy();
  }

  _realEnd(callback?: (error?: Error) => void): void {
    this.end(callback);
  }

  destroy(): void {
    this.#leave();
    this.stream.destroy();
  }

  /** Its pool serves who waits. */
  #leave(): void {
    const pool = this._pool;
    this._pool = null;
    if (pool && !pool._closed) pool._removeConnection(this);
  }
}
