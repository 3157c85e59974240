/**
 * setTimeout and setInterval, global and from node:timers. What a watched library sets for itself, to reap what lies idle
 * or to give up waiting, is the library's: a pool that is left behind is told as such, once; see client-timers.ts.
 *
 * Most timers live for a moment, so a new one goes into a short list first and only those that survive it enter the
 * ledger; without a stack it is only counted, since a list would keep for longer what the service is done with. Node
 * itself marks a timer that has fired or was cleared, by whatever way (`clearTimeout(+id)`, `[Symbol.dispose]()`), as
 * destroyed; no callback is wrapped.
 */

import timers from 'node:timers';
import type { Flows } from '../../account/flow.ts';
import type { Layer } from '../../account/layers.ts';
import { type Account, Resource, type Source } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { Scope } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import type { Stakes } from '../../account/stakes.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Hook, type Method, type Surroundings } from '../../process/around.ts';
import { onLeave, putBack } from '../../process/leaving.ts';
import { now } from '../../process/runtime.ts';
import { connectionHere, eventOfConnection } from '../connection-here.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import { Chains, type Timeout as NodeTimer } from './chains.ts';
import { ClientTimers } from './client-timers.ts';
import { watchSleeps } from './sleeps.ts';
import { TimeOuts } from './time-outs.ts';

const PART = 'timers' satisfies AdapterName;
/** Survivors are looked for after this many new timers, or when the ledger is read. */
const NURSERY = 64;

/** Nobody waits for a timer with a connection in hand for longer, milliseconds. */
const LONGEST_WAIT = 60_000;

interface YoungTimer {
  timer: NodeTimer;
  source: Source;
  site: Site;
  scope: Scope | null;
  setAt: number;
  known: Known;
}

export function watchTimers(desk: Desk): void {
  const watch = new Timers(desk);
  replace('setTimeout', {
    // with anything else it throws
    passes: (_, callback) => typeof callback === 'function' && watch.isOnlyCounted(),
    within: watch.within,
    after: (_, timer: NodeTimer, __, wrapper) => watch.setTimeout(timer, wrapper),
  });
  watchSleeps(desk, watch.chains);
  replace('setInterval', {
    call: (method, self, args) => desk.flows.branch(method, self, args),
    after: (_, timer: NodeTimer, __, wrapper) => watch.setInterval(timer, wrapper),
  });
  replace('clearInterval', { before: (_, timer, __, wrapper) => watch.clearInterval(timer, wrapper) });
}

class Timers {
  /** Until stacks are granted: of those that are set there is nothing else to tell, unless they go on with others. */
  #areOnlyCounted = false;
  /** Timeouts that were only counted since somebody looked. No `#`: to store in such a field is slow until V8 has optimised it. */
  private passed = 0;
  readonly #stakes: Stakes;
  readonly #desk: Desk;
  readonly #flows: Flows;
  readonly #timeouts: Source;
  readonly #intervals: Source;
  readonly chains: Chains;
  readonly #ofClients: ClientTimers;
  readonly #timeOuts: TimeOuts;
  readonly #open: WeakMap<NodeTimer, Resource> = new WeakMap();
  #nursery: YoungTimer[] = [];

  /** What a timeout is set in. */
  readonly within: Surroundings<unknown>;

  constructor(desk: Desk) {
    this.#stakes = desk.stakes;
    this.#desk = desk;
    this.#flows = desk.flows;
    this.#timeouts = desk.source({ adapter: PART, nature: 'timeout', library: 'setTimeout' });
    this.#intervals = desk.source({ adapter: PART, nature: 'interval', library: 'setInterval' });
    const chains = desk.source({ adapter: PART, nature: 'repeating timeout', library: 'setTimeout' });
    this.chains = new Chains(desk, chains);
    const source = (nature: 'timer of a client' | 'time-out') =>
      desk.source({ adapter: PART, nature, library: 'setTimeout' });
    this.#ofClients = new ClientTimers(desk, source('timer of a client'));
    this.#timeOuts = new TimeOuts(desk, source('time-out'), this.#timeouts);
    const { layers } = desk.flows;
    this.within = {
      enter: () => {
        if (this.#areOnlyCounted) return null;
        if (!desk.ignoresCounted) this.chains.setting(desk.hasStackFor(this.#timeouts));
        return layers.suspend();
      },
      leave: (layer) => layers.enter(layer as Layer | null),
    };
    desk.whenGranted(() => {
      this.#areOnlyCounted = false;
    });
    desk.ledger.beforeReading.push(() => this.#settle());
  }

  /** Whether a timeout that is about to be set is only counted, and stands for nothing else; if so, it is. */
  isOnlyCounted(): boolean {
    if (!this.#areOnlyCounted || !this.chains.areNone) return false;
    if (this.#stakes.contexts > 0 && this.#flows.matters) return false;
    this.#pass();
    return true;
  }

  setTimeout(timer: NodeTimer, wrapper: Method): void {
    if ((timer._idleTimeout ?? 0) < LONGEST_WAIT) this.#desk.turnsTo('a timer', timer, isAwaited);
    // what most take is short: all else would be compiled with it
    if (this.#areOnlyCounted && this.chains.isAlone(timer)) this.#pass();
    else this.#look(timer, wrapper);
  }

  #pass(): void {
    this.passed++;
  }

  /** What there is to tell of `timer`, just set. */
  #look(timer: NodeTimer, wrapper: Method): void {
    if (this.#areOnlyCounted) this.chains.setting(false);
    if (this.#desk.ignoresCounted) return;
    const isLink = this.chains.goesOn(timer);
    const site = isLink ? null : this.#desk.siteOf(this.#timeouts, wrapper);
    if (!site) {
      if (!isLink) this.chains.flowsOn(timer, null);
      this.#pass();
      this.#areOnlyCounted = !this.#timeOuts.areAny && !this.#desk.hasStackFor(this.#timeouts);
      return;
    }
    if (this.#desk.isOfLibrary(site)) {
      this.#setByLibrary(timer, site);
      return;
    }
    if (this.chains.flowsOn(timer, site)) {
      this.#pass();
      return;
    }
    this.chains.begin(timer, site);
    const isTold = (alive: NodeTimer) => this.chains.hasEntered(alive);
    const way = this.#timeOuts.wayOf(timer, site);
    if (way) this.#timeOuts.begin(timer, site, way, isTold);
    else this.#add({ timer, source: this.#timeouts, site, known: knownOf(timer, isTold) });
  }

  #setByLibrary(timer: NodeTimer, site: Site): void {
    const clients = this.#ofClients;
    const host = clients.isLong(timer) ? clients.hostOf(timer, site) : null;
    if (host === null) return;
    const own = knownOf(timer);
    const known = { ...own, ...clients.ofOneShot(host, own.keepsAlive), turn: timer._idleStart ?? 0 };
    this.#add({ timer, source: clients.source, site: clients.siteOf(site, host), known });
  }

  #add(young: Omit<YoungTimer, 'scope' | 'setAt'>): void {
    this.#nursery.push({ ...young, scope: this.#desk.scope(), setAt: now() });
    if (this.#nursery.length >= NURSERY) this.#graduate();
  }

  #settle(): void {
    const { ledger } = this.#desk;
    if (this.passed > 0) ledger.pass(ledger.account(this.#timeouts, null), this.passed);
    this.passed = 0;
    this.#graduate();
  }

  #graduate(): void {
    const { ledger } = this.#desk;
    const young = this.#nursery;
    this.#nursery = [];
    for (const { timer, source, site, scope, setAt, known } of young) {
      const account = ledger.account(source, site);
      if (!timer._destroyed) ledger.open(new Resource(account, scope, setAt, countingCleared(known, account)));
      else {
        ledger.pass(account);
        if (!timer._onTimeout) account.wasCleared(known.lastsMs ?? 0);
      }
    }
  }

  setInterval(timer: NodeTimer, wrapper: Method): void {
    const desk = this.#desk;
    if (desk.ignoresCounted) return;
    const request = desk.ask(this.#intervals, wrapper);
    const { site } = request;
    if (site && isOfHttpServer(site)) return;
    if (site && desk.isOfLibrary(site)) {
      this.#intervalOfLibrary(timer, site);
      return;
    }
    const resource = desk.open(request, {
      ...knownOf(timer),
      ...connectionHere(),
      ...(site && !isOfUser(site) && eventOfConnection()),
      turn: timer._idleStart ?? 0,
      isOfContext: isOfContext(timer),
    });
    // without a stack it is enough that the next look finds it gone
    if (site) this.#open.set(timer, resource);
    // only now: the timer's own callback must not keep the flow that set it
    desk.flows.enter(request.mark);
  }

  #intervalOfLibrary(timer: NodeTimer, site: Site): void {
    const { ledger } = this.#desk;
    const clients = this.#ofClients;
    const host = clients.hostOf(timer, site);
    if (host === null) return;
    const known = { ...knownOf(timer), ...clients.ofInterval(timer, site, host), turn: timer._idleStart ?? 0 };
    const account = ledger.account(clients.source, clients.siteOf(site, host));
    const resource = new Resource(account, this.#desk.scope(), now(), known);
    ledger.open(resource);
    this.#open.set(timer, resource);
  }

  clearInterval(timer: unknown, wrapper: Method): void {
    const resource = typeof timer === 'object' && timer !== null && this.#open.get(timer as NodeTimer);
    if (resource && !resource.closed) this.#desk.close(resource, wrapper);
  }
}

/** Held weakly: the ledger must not be what keeps a timer that nobody can clear any more. `isTold`: as something else. */
function knownOf(timer: NodeTimer, isTold = (_: NodeTimer) => false) {
  const ref = new WeakRef(timer);
  return {
    ref,
    isGone: () => {
      const alive = ref.deref();
      return alive?._destroyed !== false || isTold(alive);
    },
    keepsAlive: () => ref.deref()?.hasRef?.() !== false,
    // Node forgets it once it is cleared
    lastsMs: timer._idleTimeout ?? 0,
  };
}

/** What is collected before somebody looks may have fired. */
function countingCleared(known: Known, account: Account): Known {
  let isCounted = false;
  const isGone = (): boolean => {
    const timer = known.ref?.deref() as NodeTimer | undefined;
    if (!isCounted && timer !== undefined && !timer._onTimeout) {
      isCounted = true;
      account.wasCleared(known.lastsMs ?? 0);
    }
    return known.isGone?.() === true;
  };
  return { ...known, isGone };
}

/** Its callback is of another realm: each has a `Function` of its own. */
function isOfContext({ _onTimeout: callback }: NodeTimer): boolean {
  return typeof callback === 'function' && !(callback instanceof Function);
}

function isAwaited(timer: NodeTimer): boolean {
  return !timer._destroyed && timer.hasRef?.() === true;
}

/** Node's own look at the connections of a server, which ends with the server: no timer of the service's. */
function isOfHttpServer({ stack }: Site): boolean {
  return stack[0]?.file === 'node:_http_server';
}

/** One function under the global name and in node:timers, as before. */
function replace(name: 'setTimeout' | 'setInterval' | 'clearInterval', hook: Hook<object, unknown>): void {
  const isGlobal = globalThis[name] === timers[name];
  around(PART, timers, name, hook);
  if (!isGlobal) return;
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
  const value = timers[name];
  Object.defineProperty(globalThis, name, { ...descriptor, value });
  onLeave(() => putBack(globalThis, name, value, descriptor));
}
