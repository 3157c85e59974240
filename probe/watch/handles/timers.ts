/**
 * setTimeout and setInterval, global and from node:timers.
 *
 * Most timers live for a moment, so a new one goes into a short list first and only those that survive it enter the
 * ledger; without a stack it is only counted, since a list would keep for longer what the service is done with. Node itself marks a timer that has fired or was cleared, by whatever way (`clearTimeout(+id)`,
 * `[Symbol.dispose]()`), as destroyed; no callback is wrapped.
 */

import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import { type Account, Resource } from '../../account/ledger.ts';
import type { Scope } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import { guarded } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { patch } from '../patch.ts';

const PART = 'timers';
/** Survivors are looked for after this many new timers, or when the ledger is read. */
const NURSERY = 64;

/** Node's Timeout; `_destroyed`, `_idleStart` and `_idleTimeout` are set on every supported version. */
interface NodeTimer {
  _destroyed: boolean;
  /** Loop time of the last start, milliseconds. */
  _idleStart: number;
  _idleTimeout: number;
  hasRef(): boolean;
}

export class OpenTimer extends Resource {
  readonly timer: NodeTimer;
  constructor(account: Account, scope: Scope | null, at: number, timer: NodeTimer) {
    super(account, scope, at);
    this.timer = timer;
  }
  override isGone(): boolean {
    return this.timer._destroyed;
  }
}

interface YoungTimer {
  timer: NodeTimer;
  site: Site;
  scope: Scope | null;
  setAt: number;
}

export function watchTimers(desk: Desk): void {
  const timeouts = desk.ledger.source('timer', 'setTimeout');
  const intervals = desk.ledger.source('timer', 'setInterval');
  const openIntervals = new WeakMap<NodeTimer, OpenTimer>();
  let nursery: YoungTimer[] = [];

  const graduate = (): void => {
    const young = nursery;
    nursery = [];
    for (const { timer, site, scope, setAt } of young) {
      const account = desk.ledger.account(timeouts, site, 'one-shot');
      if (timer._destroyed) desk.ledger.pass(account);
      else desk.ledger.open(new OpenTimer(account, scope, setAt, timer));
    }
  };
  desk.ledger.beforeReading.push(graduate);

  const raise = (timer: NodeTimer, wrapper: () => unknown): void => {
    if (desk.ignoresTimers) return;
    const site = desk.siteOfTimer(wrapper);
    if (!site) {
      desk.ledger.pass(desk.ledger.account(timeouts, null, 'one-shot'));
      return;
    }
    nursery.push({ timer, site, scope: desk.scope(), setAt: now() });
    if (nursery.length >= NURSERY) graduate();
  };

  replace('setTimeout', (original) => {
    return function setTimeout(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      const timer = Reflect.apply(original, this, arguments);
      guarded(PART, raise, timer, setTimeout);
      return timer;
    };
  });
  replace('setInterval', (original) => {
    return function setInterval(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      const timer = desk.flows.branch<NodeTimer>(original, this, arguments);
      guarded(PART, () => {
        if (desk.ignoresTimers) return;
        const request = desk.request(setInterval, 'interval', intervals);
        if (!isOfHttpServer(request.site)) {
          const account = desk.ledger.account(intervals, request.site, 'interval');
          const resource = new OpenTimer(account, request.scope, now(), timer);
          desk.follow(resource, request);
          desk.ledger.open(resource);
          // without a stack it is enough that the next look finds it gone
          if (request.site) openIntervals.set(timer, resource);
        }
        // only now: the timer's own callback must not keep the flow that set it
        desk.flows.enter(request.mark);
      });
      return timer;
    };
  });
  replace('clearInterval', (original) => {
    return function clearInterval(this: unknown, timer: unknown): unknown {
      guarded(PART, () => {
        const resource = typeof timer === 'object' && timer !== null && openIntervals.get(timer as NodeTimer);
        if (resource && !resource.closed) desk.close(resource, clearInterval);
      });
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return Reflect.apply(original, this, arguments);
    };
  });
  syncBuiltinESMExports();
}

/** Node's own look at the connections of a server, which ends with the server: no timer of the service's. */
function isOfHttpServer(site: Site | null): boolean {
  return site?.stack[0]?.file === 'node:_http_server';
}

/** One function under the global name and in node:timers, as before. */
function replace(name: 'setTimeout' | 'setInterval' | 'clearInterval', wrap: Parameters<typeof patch>[2]): void {
  const isGlobal = globalThis[name] === timers[name];
  patch(timers, name, wrap);
  if (isGlobal) patch(globalThis, name, () => timers[name]);
}
