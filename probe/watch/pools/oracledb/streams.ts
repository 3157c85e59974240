/**
 * What is opened on a connection and has to be closed by itself: result sets, query streams (each is the result set that
 * it reads from) and temporary LOBs. Their kind is `stream`: data that flows over a connection until its end or close.
 *
 * Each is a fresh object, so a dropped one is proven to leak once it is collected. A result set that is still open when
 * its connection goes back to the pool is lost at once: the driver refuses to close it from then on, and its cursor
 * stays open in the session. They are not judged by the flow that opened them: data flows by other callbacks.
 */

import type { Resource, Source } from '../../../account/ledger.ts';
import type { Bond } from '../../../account/resource.ts';
import { around, type Method } from '../../../process/around.ts';
import { now } from '../../../process/runtime.ts';
import type { Desk } from '../../desk.ts';
import type { Call, Calls, StreamName } from './calls.ts';
import { type Connection, PART, type Session } from './driver.ts';
import type { Leases } from './leases.ts';

/** A result set, a LOB, or what is behind either of them. */
export interface Stream {
  _impl?: { close?(): unknown };
  _connection?: Connection;
  _isActive?: boolean;
  _convertedToStream?: boolean;
}

export interface Result {
  resultSet?: unknown;
  outBinds?: unknown;
  implicitResults?: unknown;
}

/** What becomes of each when its connection goes back to a pool. */
const BONDS: Readonly<Record<StreamName, Bond>> = {
  'result set': 'is stranded',
  'query stream': 'goes on',
  LOB: 'goes on',
};

export class Streams {
  readonly #desk: Desk;
  readonly #calls: Calls;
  readonly #leases: Leases;
  readonly #sources: Record<StreamName, Source>;
  /** By what is behind the service's object: every way to close it ends there. */
  readonly #open: WeakMap<object, Resource> = new WeakMap();
  readonly #hookedPrototypes: WeakSet<object> = new WeakSet();
  /** Query streams before their result set is there, where calls are not followed. */
  readonly #awaited: WeakMap<object, Call> = new WeakMap();

  constructor(desk: Desk, calls: Calls, leases: Leases) {
    this.#desk = desk;
    this.#calls = calls;
    this.#leases = leases;
    const source = (nature: StreamName) => desk.source({ adapter: PART, nature, library: `oracledb ${nature}` });
    this.#sources = { 'result set': source('result set'), 'query stream': source('query stream'), LOB: source('LOB') };
  }

  /** Notes a call that opens one. */
  ask(what: StreamName, wrapper: Method, owner: Resource | null = null): Call {
    const request = this.#desk.ask(this.#sources[what], wrapper);
    request.mark = null;
    return { what, request, owner };
  }

  /** The call of `execute` that keeps its result set; null when it fetches all rows by itself, or a query stream asked. */
  askExecute(args: ArrayLike<unknown>, wrapper: Method): Call | null {
    const last = args[args.length - 1];
    const options = typeof last === 'function' ? args[args.length - 2] : last;
    if (typeof options !== 'object' || options === null || !('resultSet' in options) || !options.resultSet) return null;
    const outer = this.#calls.current();
    if (outer?.what === 'query stream' && outer.request) return outer;
    return this.#calls.areFollowed ? this.ask('result set', wrapper) : null;
  }

  /** A statement has been executed: whatever the service gets to keep of the result is open now. */
  executed(connection: Connection, result: Result, keepsResultSet: boolean, wrapper: Method): void {
    const { resultSet, outBinds, implicitResults } = result;
    if (!keepsResultSet && outBinds === undefined && implicitResults === undefined) return;
    const kept = [resultSet, ...valuesOf(outBinds), ...valuesOf(implicitResults)].filter(isResultSet);
    if (kept.length === 0) return;
    const call = this.#calls.current() ?? this.ask('result set', wrapper);
    for (const stream of kept) this.#opens(stream, this.#leases.of(connection), call);
    if (call.what === 'query stream') call.request = null;
  }

  /** oracledb 6 tells of a result set only when it makes it, also of those that it reads to the end by itself. */
  madeResultSet(stream: Stream, connection: Connection): void {
    const call = this.#calls.current();
    if (call?.what !== 'result set' && call?.what !== 'query stream') return;
    this.#opens(stream, this.#leases.of(connection), call);
    if (call.what === 'query stream') call.request = null;
  }

  /** The connection is not known when the LOB is there: its lease is remembered with the call. */
  askLob(connection: Connection, wrapper: Method): Call | null {
    return this.#calls.areFollowed ? this.ask('LOB', wrapper, this.#leases.of(connection)) : null;
  }

  createdLob(lob: Stream, wrapper: Method): void {
    const current = this.#calls.current();
    const call = current?.what === 'LOB' ? current : this.ask('LOB', wrapper);
    this.#opens(lob, call.owner ?? null, call);
  }

  /** Where calls are not followed, nothing but the stream itself tells who asked for its result set. */
  awaitStream(stream: object, call: Call): void {
    if (this.#calls.areFollowed) return;
    this.#awaited.set(stream, call);
    const prototype = Object.getPrototypeOf(stream);
    if (this.#hookedPrototypes.has(prototype)) return;
    this.#hookedPrototypes.add(prototype);
    around<object>(PART, prototype, '_open', {
      before: (own, resultSet) => this.#begins(own, resultSet as Stream),
    });
  }

  /** Its result set was entered as one that somebody keeps: it is the query stream's. */
  #begins(stream: object, resultSet: Stream): undefined {
    const asked = this.#awaited.get(stream);
    const known = resultSet._impl && this.#open.get(resultSet._impl);
    if (!asked || !known) return;
    this.#desk.ledger.forget(known, now());
    this.#opens(resultSet, known.owner, asked);
  }

  #opens(stream: Stream, owner: Resource | null, { what, request }: Call): void {
    const behind = stream._impl;
    if (!behind || !request || what === 'logon') return;
    const handle = new WeakRef(stream);
    this.#open.set(
      behind,
      this.#desk.open(request, { handle, owner, bond: BONDS[what], isBusy: () => handle.deref()?._isActive === true }),
    );
    this.#hookClose(behind);
  }

  /** The classes behind are private: they are met with the first of each. */
  #hookClose(behind: object): void {
    let owner = Object.getPrototypeOf(behind);
    while (owner && !Object.hasOwn(owner, 'close')) owner = Object.getPrototypeOf(owner);
    if (!owner || this.#hookedPrototypes.has(owner)) return;
    this.#hookedPrototypes.add(owner);
    around<object>(PART, owner, 'close', { before: (own, _, __, wrapper) => this.#closes(own, wrapper) });
  }

  #closes(behind: object, wrapper: Method): undefined {
    const resource = this.#open.get(behind);
    if (resource && !resource.closed) this.#desk.close(resource, wrapper);
  }

  /** The service closes a result set: told at its call, for the stack; the driver gets to it only later. */
  closesResultSet(stream: Stream, wrapper: Method): undefined {
    const { _impl, _connection, _convertedToStream, _isActive } = stream;
    if (_impl && _connection?._impl && !_convertedToStream && !_isActive) this.#closes(_impl, wrapper);
  }

  /** Rows or data were asked for: it is in use, and so is its connection. */
  uses(stream: Stream): undefined {
    const resource = stream._impl && this.#open.get(stream._impl);
    if (!resource) return;
    resource.lastUsedAt = now();
    if (resource.owner) resource.owner.lastUsedAt = resource.lastUsedAt;
  }

  /**
   * To be called before the lease is closed. `isOver`: the session ends with it, and so does all that is open in it.
   * Otherwise a result set that a stream was made of can still be closed, as a query stream and a LOB can.
   */
  leaseCloses({ owned }: Resource, isOver: boolean): void {
    for (const resource of owned ?? []) {
      if (isOver) resource.bond = 'ends with it';
      else if (isConvertedToStream(resource)) resource.bond = 'goes on';
    }
  }
}

/** Whether the session ends when its connection is closed, rather than going back to a pool as it is. */
export function endsSession({ _pool, _impl }: Connection, args: ArrayLike<unknown>): boolean {
  const { nscon, _drcpEnabled }: Session = _impl ?? {};
  const options = args[0];
  const drops = typeof options === 'object' && options !== null && 'drop' in options && options.drop === true;
  return _pool === undefined || drops || _drcpEnabled === true || nscon?.connected === false;
}

function isConvertedToStream({ handle }: Resource): boolean {
  return (handle?.deref() as Stream | undefined)?._convertedToStream === true;
}

function valuesOf(binds: unknown): unknown[] {
  return typeof binds === 'object' && binds !== null ? Object.values(binds) : [];
}

function isResultSet(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null && '_impl' in value && '_convertedToStream' in value;
}
