/**
 * Logons, of pools and of connections without a pool: the driver makes each session by one `connect`, which it alone
 * awaits. A connection without a pool is a lease from then on.
 *
 * The driver itself ends such a session when the connection is garbage-collected. It is a leak nonetheless: until then,
 * which a service with little garbage may not see for hours, the server keeps the session.
 */

import type { Request, Resource, Source } from '../../../account/ledger.ts';
import { around, type Method } from '../../../process/around.ts';
import { guarded } from '../../../process/lapses.ts';
import { now } from '../../../process/runtime.ts';
import type { Desk } from '../../desk.ts';
import { peerOf } from '../peer.ts';
import type { Call, Calls } from './calls.ts';
import { PART, type Session } from './driver.ts';

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

type LogonCall = Call & { request: Request };

export class Logons {
  readonly pending: Set<Logon> = new Set();
  readonly #desk: Desk;
  readonly #calls: Calls;
  readonly #events: LogonEvents;
  readonly #source: Source;
  readonly #open: Map<Resource, WeakRef<Session>> = new Map();

  constructor(desk: Desk, calls: Calls, events: LogonEvents) {
    this.#desk = desk;
    this.#calls = calls;
    this.#events = events;
    this.#source = desk.source({ adapter: PART, nature: 'lease', library: PART });
    this.#source.peers = () => this.#peers();
  }

  /** Notes a call that logs on without a pool. */
  #ask(wrapper: Method): LogonCall {
    return { what: 'logon', request: this.#desk.ask(this.#source, wrapper) };
  }

  /** The module's functions. */
  watchModule(exports: object): void {
    const calls = this.#calls;
    const { flows } = this.#desk;
    around<object, LogonCall | null>(PART, exports, 'getConnection', {
      before: (_, options, __, wrapper) => (calls.areFollowed && isStandalone(options) ? this.#ask(wrapper) : null),
      callback: (callback, asked) => (asked ? flows.bind(callback, asked.request.mark) : callback),
      call: (method, self, args, asked) => {
        if (!asked) return Reflect.apply(method, self, args);
        const { mark } = asked.request;
        return calls.run(asked, () => flows.shed(method, self, args, mark), self, args);
      },
    });
    // the sessions that a pool makes for itself must not keep the flow of whoever created it
    around(PART, exports, 'createPool', {
      callback: (callback) => flows.bind(callback, flows.current()),
      within: flows.unmarked(),
    });
  }

  /** The class of sessions. */
  watchSessions(prototype: object): void {
    around<Session>(PART, prototype, 'connect', {
      after: (session, promise: Promise<unknown>, _, wrapper) => this.#begins(session, promise, wrapper),
    });
  }

  /** The driver awaits `promise` at once: to listen to it makes no rejection handled that would not be. */
  #begins(session: Session, promise: Promise<unknown>, wrapper: Method): void {
    const logon = { session };
    const current = this.#calls.current();
    const { _pool: pool } = session;
    const call: Call | null = pool ? null : current?.what === 'logon' ? current : this.#ask(wrapper);
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
          if (request) this.#opens(session, request);
          if (pool) this.#events.pooled(pool, began);
        }),
      (error: unknown) =>
        ends((request) => {
          if (request) this.#desk.flows.failed(request.mark);
          this.#events.failed(logon, error);
        }),
    );
  }

  #opens(session: Session, request: Request): void {
    // what the service holds is not known here; it holds the session, and nobody else does
    const handle = new WeakRef(session);
    const lease = this.#desk.open(request, { handle });
    this.#open.set(lease, handle);
    this.#events.opened(session, lease);
  }

  *#peers() {
    for (const [resource, session] of this.#open) {
      const _impl = session.deref();
      if (resource.closed || !_impl) this.#open.delete(resource);
      else yield { resource, peer: peerOf({ _impl }, 'used') };
    }
  }
}

/** Whether `oracledb.getConnection(options)` logs on by itself rather than asking a pool of the driver's cache. */
function isStandalone(options: unknown): boolean {
  return typeof options === 'object' && options !== null && !('poolAlias' in options && options.poolAlias);
}
