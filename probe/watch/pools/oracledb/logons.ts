/**
 * Logons, of pools and of connections without a pool: the driver makes each session by one `connect`, which it alone
 * awaits. A connection without a pool is a lease from then on.
 *
 * The driver itself ends such a session when the connection is garbage-collected. It is a leak nonetheless: until then,
 * which a service with little garbage may not see for hours, the server keeps the session.
 */

import type { Resource, Source } from '../../../account/ledger.ts';
import { guarded } from '../../../process/lapses.ts';
import { now } from '../../../process/runtime.ts';
import { bindLast } from '../../callbacks.ts';
import type { Desk, Request } from '../../desk.ts';
import { patch } from '../../patch.ts';
import { peerOf } from '../peer.ts';
import type { Call, Calls } from './calls.ts';
import type { Session } from './driver.ts';

const PART = 'oracledb';

/** A logon that has not come to an end. */
export interface Logon {
  session: Session;
}

export interface LogonEvents {
  opened(session: Session, lease: Resource): void;
  /** A pool has one session more, whose logon began at `began`. */
  pooled(sessions: object, began: number): void;
  failed(logon: Logon, error: unknown): void;
}

export class Logons {
  readonly pending: Set<Logon> = new Set();
  private readonly desk: Desk;
  private readonly calls: Calls;
  private readonly events: LogonEvents;
  private readonly source: Source;
  private readonly open: Map<Resource, WeakRef<Session>> = new Map();

  constructor(desk: Desk, calls: Calls, events: LogonEvents) {
    this.desk = desk;
    this.calls = calls;
    this.events = events;
    this.source = desk.ledger.source('connection', PART);
    this.source.peers = () => this.peers();
  }

  /** Notes a call that logs on without a pool. */
  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  ask(wrapper: Function): Call & { request: Request } {
    return { what: 'logon', request: this.desk.request(wrapper, 'lease', this.source) };
  }

  /** The module's functions. */
  patch(exports: Record<string, unknown>): void {
    const { calls } = this;
    const { flows } = this.desk;
    const ask = this.ask.bind(this);
    patch(exports, 'getConnection', (original) => {
      const wrapped = {
        getConnection(this: unknown, options?: unknown): unknown {
          const isAsked = calls.areFollowed && isStandalone(options);
          const call = isAsked ? guarded(PART, () => ask(wrapped.getConnection)) : null;
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          if (!call) return Reflect.apply(original, this, arguments);
          const { mark } = call.request;
          // biome-ignore lint/complexity/noArguments: the callback alone is replaced
          bindLast(arguments, flows, mark);
          const shedding = function (this: unknown): unknown {
            // biome-ignore lint/complexity/noArguments: arguments pass through untouched
            return flows.shed(original, this, arguments, mark);
          };
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          return calls.run(call, shedding, this, arguments);
        },
      };
      return wrapped.getConnection;
    });
    // the sessions that a pool makes for itself must not keep the flow of whoever created it
    patch(exports, 'createPool', (original) => {
      return function createPool(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: the callback alone is replaced
        bindLast(arguments, flows);
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return flows.shed(original, this, arguments);
      };
    });
  }

  /** The class of sessions. */
  watch(prototype: Record<string, unknown>): void {
    const begins = this.begins.bind(this);
    patch(prototype, 'connect', (original) => {
      const wrapped = {
        connect(this: Session): unknown {
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          const logon = Reflect.apply(original, this, arguments);
          guarded(PART, () => begins(this, logon, wrapped.connect));
          return logon;
        },
      };
      return wrapped.connect;
    });
  }

  /** The driver awaits `promise` at once: to listen to it makes no rejection handled that would not be. */
  // biome-ignore lint/complexity/noBannedTypes: the method itself, for its stack
  private begins(session: Session, promise: Promise<unknown>, wrapper: Function): void {
    const logon = { session };
    const current = this.calls.current();
    const { _pool: pool } = session;
    const call = pool ? null : current?.what === 'logon' ? current : this.ask(wrapper);
    const began = now();
    this.pending.add(logon);
    const ends = (told: (request: Request | null) => void) =>
      guarded(PART, () => {
        this.pending.delete(logon);
        told(call?.request ?? null);
        if (call) call.request = null;
      });
    promise.then(
      () =>
        ends((request) => {
          if (request) this.opens(session, request);
          if (pool) this.events.pooled(pool, began);
        }),
      (error: unknown) =>
        ends((request) => {
          if (request?.mark) request.mark.token.failed = true;
          this.events.failed(logon, error);
        }),
    );
  }

  private opens(session: Session, request: Request): void {
    const lease = this.desk.open(this.source, 'lease', request);
    // what the service holds is not known here; it holds the session, and nobody else does
    const handle = new WeakRef(session);
    lease.handle = handle;
    this.open.set(lease, handle);
    this.events.opened(session, lease);
  }

  private *peers() {
    for (const [resource, session] of this.open) {
      const _impl = session.deref();
      if (resource.closed || !_impl) this.open.delete(resource);
      else yield { resource, peer: peerOf({ _impl }, 'used') };
    }
  }
}

/** Whether `oracledb.getConnection(options)` logs on by itself rather than asking a pool of the driver's cache. */
function isStandalone(options: unknown): boolean {
  return typeof options === 'object' && options !== null && !('poolAlias' in options && options.poolAlias);
}
