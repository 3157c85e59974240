/**
 * What is opened on a connection and has to be closed by itself: result sets, query streams (each is the result set that
 * it reads from) and temporary LOBs. Their kind is `stream`: data that flows over a connection until its end or close.
 *
 * Each is a fresh object, so a dropped one is proven to leak once it is collected. A result set that is still open when
 * its connection goes back to the pool is lost at once: the driver refuses to close it from then on, and its cursor
 * stays open in the session. They are not judged by the flow that opened them: data flows by other callbacks.
 */

import type { Resource, Source } from '../../../account/ledger.ts';
import { guarded } from '../../../process/lapses.ts';
import { now } from '../../../process/runtime.ts';
import type { Desk } from '../../desk.ts';
import { patch } from '../../patch.ts';
import type { Call, Calls, StreamName } from './calls.ts';
import type { Connection, Session } from './driver.ts';
import type { Leases } from './leases.ts';

const PART = 'oracledb';

/** A result set, a LOB, or what is behind either of them. */
export interface Stream {
  _impl?: { close?(): unknown };
  _connection?: Connection;
  _isActive?: boolean;
  _convertedToStream?: boolean;
}

interface Result {
  resultSet?: unknown;
  outBinds?: unknown;
  implicitResults?: unknown;
}

// biome-ignore lint/complexity/noBannedTypes: any method of the library
type AnyFunction = Function;

export class Streams {
  private readonly desk: Desk;
  private readonly calls: Calls;
  private readonly leases: Leases;
  private readonly sources: Record<StreamName, Source>;
  /** By what is behind the service's object: every way to close it ends there. */
  private readonly open: WeakMap<object, Resource> = new WeakMap();
  private readonly lobOwners: WeakMap<Call, Resource | null> = new WeakMap();
  private readonly ofLease: WeakMap<Resource, Set<Resource>> = new WeakMap();
  private readonly hookedPrototypes: WeakSet<object> = new WeakSet();
  /** Query streams before their result set is there, where calls are not followed. */
  private readonly awaited: WeakMap<object, Call> = new WeakMap();

  constructor(desk: Desk, calls: Calls, leases: Leases) {
    this.desk = desk;
    this.calls = calls;
    this.leases = leases;
    const source = (what: StreamName) => desk.ledger.source('stream', `oracledb ${what}`);
    this.sources = { 'result set': source('result set'), 'query stream': source('query stream'), LOB: source('LOB') };
  }

  /** Notes a call that opens one. */
  ask(what: StreamName, wrapper: AnyFunction): Call {
    const request = this.desk.request(wrapper, 'lease', this.sources[what]);
    request.mark = null;
    return { what, request };
  }

  /** The call of `execute` that keeps its result set; null when it fetches all rows by itself, or a query stream asked. */
  askExecute(args: ArrayLike<unknown>, wrapper: AnyFunction): Call | null {
    const last = args[args.length - 1];
    const options = typeof last === 'function' ? args[args.length - 2] : last;
    if (typeof options !== 'object' || options === null || !('resultSet' in options) || !options.resultSet) return null;
    const outer = this.calls.current();
    if (outer?.what === 'query stream' && outer.request) return outer;
    return this.calls.areFollowed ? this.ask('result set', wrapper) : null;
  }

  /** A statement has been executed: whatever the service gets to keep of the result is open now. */
  executed(connection: Connection, result: Result, keepsResultSet: boolean, wrapper: AnyFunction): void {
    const { resultSet, outBinds, implicitResults } = result;
    if (!keepsResultSet && outBinds === undefined && implicitResults === undefined) return;
    const kept = [resultSet, ...valuesOf(outBinds), ...valuesOf(implicitResults)].filter(isResultSet);
    if (kept.length === 0) return;
    const call = this.calls.current() ?? this.ask('result set', wrapper);
    for (const stream of kept) this.opens(stream, this.leases.of(connection), call);
    if (call.what === 'query stream') call.request = null;
  }

  /** oracledb 6 tells of a result set only when it makes it, also of those that it reads to the end by itself. */
  madeResultSet(stream: Stream, connection: Connection): void {
    const call = this.calls.current();
    if (call?.what !== 'result set' && call?.what !== 'query stream') return;
    this.opens(stream, this.leases.of(connection), call);
    if (call.what === 'query stream') call.request = null;
  }

  /** The connection is not known when the LOB is there: it is remembered with the call. */
  askLob(connection: Connection, wrapper: AnyFunction): Call | null {
    if (!this.calls.areFollowed) return null;
    const call = this.ask('LOB', wrapper);
    this.lobOwners.set(call, this.leases.of(connection));
    return call;
  }

  createdLob(lob: Stream, wrapper: AnyFunction): void {
    const current = this.calls.current();
    const call = current?.what === 'LOB' ? current : this.ask('LOB', wrapper);
    this.opens(lob, this.lobOwners.get(call) ?? null, call);
  }

  /** Where calls are not followed, nothing but the stream itself tells who asked for its result set. */
  awaitStream(stream: object, call: Call): void {
    if (this.calls.areFollowed) return;
    this.awaited.set(stream, call);
    const prototype = Object.getPrototypeOf(stream);
    if (this.hookedPrototypes.has(prototype)) return;
    this.hookedPrototypes.add(prototype);
    const begins = (own: object, resultSet: Stream): void => {
      const asked = this.awaited.get(own);
      const known = resultSet._impl && this.open.get(resultSet._impl);
      if (!asked || !known) return;
      this.desk.ledger.forget(known);
      this.opens(resultSet, known.owner, asked);
    };
    patch(prototype, '_open', (original) => {
      return function _open(this: object, resultSet: Stream): unknown {
        guarded(PART, () => begins(this, resultSet));
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      };
    });
  }

  private opens(stream: Stream, owner: Resource | null, { what, request }: Call): void {
    const behind = stream._impl;
    if (!behind || !request || what === 'logon') return;
    const resource = this.desk.open(this.sources[what], 'lease', request);
    const handle = new WeakRef(stream);
    resource.handle = handle;
    resource.isBusy = busy(handle);
    resource.owner = owner;
    this.open.set(behind, resource);
    if (owner) this.ofLease.set(owner, (this.ofLease.get(owner) ?? new Set()).add(resource));
    this.hookClose(behind);
  }

  /** The classes behind are private: they are met with the first of each. */
  private hookClose(behind: object): void {
    let owner = Object.getPrototypeOf(behind);
    while (owner && !Object.hasOwn(owner, 'close')) owner = Object.getPrototypeOf(owner);
    if (!owner || this.hookedPrototypes.has(owner)) return;
    this.hookedPrototypes.add(owner);
    const closes = (own: object, wrapper: AnyFunction): void => this.closes(own, wrapper);
    patch(owner, 'close', (original) => {
      const wrapped = {
        close(this: object): unknown {
          guarded(PART, () => closes(this, wrapped.close));
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return Reflect.apply(original, this, arguments);
        },
      };
      return wrapped.close;
    });
  }

  private closes(behind: object, wrapper: AnyFunction): void {
    const resource = this.open.get(behind);
    if (!resource || resource.closed) return;
    this.desk.close(resource, wrapper);
    if (resource.owner) this.ofLease.get(resource.owner)?.delete(resource);
  }

  /** The service closes a result set: told at its call, for the stack; the driver gets to it only later. */
  closesResultSet(stream: Stream, wrapper: AnyFunction): void {
    const { _impl, _connection, _convertedToStream, _isActive } = stream;
    if (_impl && _connection?._impl && !_convertedToStream && !_isActive) this.closes(_impl, wrapper);
  }

  /** Rows or data were asked for: it is in use, and so is its connection. */
  uses(stream: Stream): void {
    const resource = stream._impl && this.open.get(stream._impl);
    if (!resource) return;
    resource.lastUsedAt = now();
    if (resource.owner) resource.owner.lastUsedAt = resource.lastUsedAt;
  }

  /**
   * `isOver`: the session ends with the lease, and with it all that is open in it. Otherwise a query stream and a LOB can
   * still be closed, a result set cannot.
   */
  leaseCloses(lease: Resource, isOver: boolean): void {
    for (const resource of this.ofLease.get(lease) ?? []) {
      if (isOver) this.desk.ledger.close(resource, now());
      else if (resource.account.source === this.sources['result set']) {
        resource.isStranded = (resource.handle?.deref() as Stream | undefined)?._convertedToStream !== true;
      }
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

function busy(handle: WeakRef<Stream>): () => boolean {
  return () => handle.deref()?._isActive === true;
}

function valuesOf(binds: unknown): unknown[] {
  return typeof binds === 'object' && binds !== null ? Object.values(binds) : [];
}

function isResultSet(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null && '_impl' in value && '_convertedToStream' in value;
}
