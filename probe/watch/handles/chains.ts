/**
 * Timeouts that are set again from their own callback, or with the same callback once they have fired, are one timer
 * that goes on: a chain, which is entered where its first one was set. So is one that is refreshed when it has fired, and
 * one that is set by the same line, a library's too, in what follows from it, after whatever is awaited (from Node.js 24 on).
 *
 * False negatives: before Node.js 24 a callback that awaits something and then sets a fresh function.
 */
import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks';
import { Resource, type Source } from '../../account/ledger.ts';
import type { Scope } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onLeave } from '../../process/leaving.ts';
import { asyncContextFrame, now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

const PART = 'timers' satisfies AdapterName;
/** Set again so often, it is one that goes on. */
const LINKS = 2;
/** What it may do between two timers before it is taken to be over, beyond twice what it did so far, milliseconds. */
const SLACK = 1000;
/** … and, at least and at most, from the end of its scope on, before it seems to be to whoever cannot wait so long. */
const AT_ONCE = 10;
const SOON = 100;

/** So many times as long as the longest before it is no longer the next of a chain. */
const GROWS = 1.25;

/** Node's own. */
export interface Timeout {
  _destroyed: boolean;
  _idleTimeout?: number;
  /** Null, or undefined, once it was cleared. */
  _onTimeout?: object | null;
  _timerArgs?: readonly unknown[];
  /** By the clock of the event loop, which stands still within a turn. */
  _idleStart?: number;
  /** Of a promise, for whoever awaits that. */
  isSleep?: boolean;
  hasRef?(): boolean;
}

interface Chain {
  readonly source: Source;
  readonly site: Site;
  readonly scope: Scope | null;
  readonly setAt: number;
  readonly turn: number;
  latest: Timeout;
  /** Milliseconds from setting to firing, and when the latest one was set. */
  delay: number;
  latestAt: number;
  shortestDelay: number;
  longestDelay: number;
  links: number;
  /** Milliseconds that it did something else between two timers. */
  longestPause: number;
  /** Of the user frame that goes on with it. */
  depth: number;
  /** Set after an await, at least once. */
  isOfFlow: boolean;
  /** Once it is entered. */
  resource: Resource | null;
}

type Frame = Site['stack'][number];

/** What a timer's callback and all that follows from it runs in; weakly, since it lives as long as any of that. */
interface Firing {
  chain: WeakRef<Chain> | null;
}

/** So many may be the latest of a chain. */
const MAX_BEGUN = 1000;

/** Most are cleared soon: after so many more, for each of them, there may be none left. */
const LOOK_AFTER = 2;

/** What may be the latest of a chain. */
interface Begun {
  readonly ref: WeakRef<Timeout>;
  readonly start: number | undefined;
  readonly at: number;
  readonly delay: number;
}

export class Chains {
  readonly #desk: Desk;
  readonly #source: Source;
  /** By each timer, and by the callback of the latest one. */
  readonly #chains: WeakMap<object, Chain> = new WeakMap();
  /** Null where it would cost too much. */
  readonly #firings: AsyncLocalStorage<Firing | undefined> | null = asyncContextFrame ? new AsyncLocalStorage() : null;
  /** Of the timer that is being set, and of the one before it in its flow. */
  #firing: Firing | null = null;
  #before: Firing | undefined;
  /** There was one that goes on. */
  #hasEntered = false;
  /** Those whose latest was set since the last look, or was not over by then; null: too many to tell. */
  #begun: Begun[] | null = [];
  /** By the clock of the event loop: the first of them to fire does so then. Long ago, where that is not known. */
  #due = Number.POSITIVE_INFINITY;
  /** Whether there is nothing that a timer may go on with: asked whenever one is set. */
  areNone = true;
  /** That are alone, until the next look. */
  #untilLook = 0;
  #isRefreshWatched = false;

  constructor(desk: Desk, source: Source) {
    this.#desk = desk;
    this.#source = source;
    desk.ledger.beforeReading.push(() => this.#look());
    onLeave(() => this.#firings?.disable());
  }

  /** A timer is about to be set. `isTold`: its site will be known, without which it begins nothing. */
  setting(isTold: boolean): void {
    this.#firing = null;
    if (!isTold || this.#firings === null) return;
    this.#before = this.#firings.getStore();
    this.#firing = { chain: null };
    // to stay: who awaits the timer goes on in what it is set in
    this.#firings.enterWith(this.#firing);
  }

  #isDue(at: number): void {
    this.#due = at;
    this.areNone = at === Number.POSITIVE_INFINITY;
  }

  /** Whether there is nothing that `timer`, just set, may go on with. */
  isAlone({ _idleStart: at = Number.POSITIVE_INFINITY }: Timeout): boolean {
    if (at >= this.#due) return false;
    if (--this.#untilLook < 0) this.#look();
    return true;
  }

  /** Whether `timer`, just set, goes on with what was set before. */
  goesOn(timer: Timeout): boolean {
    const chain = this.#chainOf(timer);
    if (chain === undefined) return false;
    this.#goOn(chain, timer);
    return true;
  }

  /** … with what its flow came by. Without a site, of which there are few, with what is known to go on. */
  flowsOn(timer: Timeout, site: Site | null): boolean {
    if (site === null && !this.#hasEntered) return false;
    const before = this.#firing === null ? this.#firings?.getStore() : this.#before;
    const chain = before?.chain?.deref();
    if (chain === undefined || !isNext(timer, chain) || chain.scope !== this.#desk.scope()) return false;
    if (site === null) {
      const { _idleTimeout: delay = 0 } = timer;
      // those with jitter differ each time
      if (chain.links < LINKS || delay < chain.shortestDelay || delay > chain.longestDelay) return false;
    } else {
      const called = calledIn(site);
      // in a sleep it is who awaited the one before that goes on
      const depth = isSleep(timer) ? Math.max(0, called.length - 1) : 0;
      if (!isSamePlace(called, calledIn(chain.site), depth)) return false;
      chain.depth = Math.max(
        chain.depth,
        chain.site.user.indexOf(chain.site.stack.indexOf(calledIn(chain.site)[depth] as Frame)),
      );
    }
    chain.isOfFlow = true;
    this.#goOn(chain, timer);
    return true;
  }

  #goOn(chain: Chain, timer: Timeout): void {
    chain.longestPause = Math.max(chain.longestPause, now() - chain.latestAt - chain.delay);
    this.#link(chain, timer);
    if (++chain.links >= LINKS && chain.resource?.closed !== false) this.#enter(chain);
  }

  /**
   * Before it has fired it is only put off, as time-outs are while something is heard; once it was cleared nothing comes
   * of that.
   */
  #refreshing(timer: Timeout): void {
    const chain = this.#chains.get(timer);
    if (chain === undefined || !timer._onTimeout) return;
    if (!timer._destroyed && executionAsyncResource() !== timer) return;
    this.#goOn(chain, timer);
  }

  /** Whether `timer` is told as a chain. */
  hasEntered(timer: Timeout): boolean {
    return (this.#chains.get(timer)?.links ?? 0) >= LINKS;
  }

  /** `timer` may be the first of one; Node's own clock for `fetch` goes on for life. */
  begin(timer: Timeout, site: Site, source: Source = this.#source): void {
    if (site.stack[0]?.file.startsWith('node:')) return;
    this.#link(
      {
        ...{ source, site, scope: this.#desk.scope(), setAt: now(), turn: turnOf(timer) },
        ...{ latest: timer, delay: 0, latestAt: 0, shortestDelay: Number.POSITIVE_INFINITY, longestDelay: 0 },
        ...{ links: 0, longestPause: 0, depth: 0, isOfFlow: false, resource: null },
      },
      timer,
    );
  }

  #chainOf(timer: Timeout): Chain | undefined {
    const { _onTimeout: callback, _idleTimeout: delay = 0 } = timer;
    const running = this.#chains.get(executionAsyncResource());
    if (running?.delay === delay) return running;
    const same = callback ? this.#chains.get(callback) : undefined;
    // as long as one waits, or where it was cleared, another one with the same function is another timer
    return same !== undefined && isNext(timer, same) ? same : undefined;
  }

  #link(chain: Chain, timer: Timeout): void {
    chain.latest = timer;
    chain.latestAt = now();
    chain.delay = timer._idleTimeout ?? 0;
    chain.shortestDelay = Math.min(chain.shortestDelay, chain.delay);
    chain.longestDelay = Math.max(chain.longestDelay, chain.delay);
    if (this.#firing !== null) this.#firing.chain = new WeakRef(chain);
    this.#chains.set(timer, chain);
    if (timer._onTimeout) this.#chains.set(timer._onTimeout, chain);
    // no timer goes on with what a promise is of
    if (!timer.isSleep) this.#mayGoOn(timer, chain);
  }

  #mayGoOn(timer: Timeout, { latestAt: at, delay }: Chain): void {
    if (this.#begun === null) return;
    const { _idleStart: start } = timer;
    this.#begun.push({ ref: new WeakRef(timer), start, at, delay });
    this.#isDue(Math.min(this.#due, (start ?? Number.NEGATIVE_INFINITY) + delay));
    if (this.#begun.length < MAX_BEGUN) return;
    this.#begun = null;
    this.#isDue(Number.NEGATIVE_INFINITY);
    this.#watchRefresh(timer);
  }

  /** Which of those that were set may go on. */
  #look(): void {
    if (this.#begun === null) return;
    const at = now();
    this.#isDue(this.#hasEntered ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    this.#begun = this.#begun.filter((begun) => {
      const timer = begun.ref.deref();
      // cleared long before it was due; afterwards nobody can tell that from one that was cleared when it had fired
      if (timer === undefined || (timer._destroyed && at - begun.at < begun.delay / 2)) return false;
      const { _idleStart: start, _destroyed: hasFired } = timer;
      if (start !== begun.start) this.#watchRefresh(timer);
      this.#isDue(
        Math.min(this.#due, hasFired || start === undefined ? Number.NEGATIVE_INFINITY : start + begun.delay),
      );
      return true;
    });
    this.#untilLook = LOOK_AFTER * this.#begun.length;
  }

  /**
   * Of a class that nothing exports; only once a timer of the service's was seen to be refreshed, since Node refreshes
   * those of its sockets with whatever they read or write.
   */
  #watchRefresh(timer: Timeout): void {
    if (this.#isRefreshWatched) return;
    this.#isRefreshWatched = true;
    around<Timeout>(PART, Object.getPrototypeOf(timer), 'refresh', { before: (self) => this.#refreshing(self) });
  }

  #enter(chain: Chain): void {
    const { ledger } = this.#desk;
    const isGone = (): boolean => {
      const { latest, latestAt, delay, longestPause } = chain;
      return latest._destroyed && (ledger.isDrained || now() - latestAt > delay + 2 * longestPause + SLACK);
    };
    const { scope } = chain;
    /** Fired, and not set again, unless that was after its scope. */
    const isBetween = (): boolean => {
      return chain.latest._destroyed && (scope === null || scope.ended === 0 || chain.latestAt <= scope.ended);
    };
    /** While something is awaited it may be over: nobody can tell before it is set again, or long is not. */
    const isBusy = (): boolean => chain.isOfFlow && isBetween();
    const seemsOver = (): boolean => {
      if (!isBetween() || scope === null || scope.ended === 0) return false;
      return now() - scope.ended > Math.min(SOON, 2 * chain.longestPause + AT_ONCE);
    };
    const keepsAlive = (): boolean => chain.latest.hasRef?.() !== false;
    const known = { turn: chain.turn, isGone, isBusy, seemsOver, keepsAlive };
    const account = ledger.account(chain.source, chain.site);
    if (chain.depth > 0) account.depth = chain.depth;
    chain.resource = new Resource(account, scope, chain.setAt, known);
    ledger.open(chain.resource);
    this.#hasEntered = true;
    this.#isDue(Number.NEGATIVE_INFINITY);
  }
}

/** What the event loop counts, where Node tells: its clock goes on while code runs, and a promise would be seen by hooks. */
function turnOf({ _idleStart = 0 }: Timeout): number {
  const { uvMetricsInfo } = performance.nodeTiming as { uvMetricsInfo?: { loopCount: number } };
  return uvMetricsInfo === undefined ? _idleStart : uvMetricsInfo.loopCount + 1;
}

/** Its callback is the `resolve` of a promise, as in a helper that many call: it goes on for whoever awaits that. */
function isSleep({ isSleep, _onTimeout: callback }: Timeout): boolean {
  if (isSleep) return true;
  if (typeof callback !== 'function' || callback.name !== '') return false;
  return Function.prototype.toString.call(callback).includes('[native code]');
}

/** Without Node's own frames and those that wait: the last is by which the code went on after an await. */
function calledIn({ stack, asyncFrom }: Site): Frame[] {
  return (asyncFrom < 0 ? stack : stack.slice(0, asyncFrom)).filter(({ file }) => !file.startsWith('node:'));
}

/** Up to `depth`. */
function isSamePlace(one: readonly Frame[], other: readonly Frame[], depth: number): boolean {
  for (let d = 0; d <= depth; d++) {
    const [a, b] = [one[d], other[d]];
    if (a === undefined || b === undefined || a.file !== b.file || a.line !== b.line || a.column !== b.column)
      return false;
  }
  return true;
}

/**
 * The latest has fired, or does just now. Node forgets what one was for that is cleared, also where it had fired: then it
 * was due by `next`. Delays that grow are those of retries, which come to an end; once it is known to go on, those of jitter.
 */
function isNext(next: Timeout, { latest, latestAt, delay, longestDelay, links }: Chain): boolean {
  if (!latest._destroyed && executionAsyncResource() !== latest) return false;
  if (links < LINKS && (next._idleTimeout ?? 0) > GROWS * longestDelay) return false;
  if (latest._onTimeout) return true;
  // by the clock of the event loop, which may be behind when one is set
  const [from, to] = [latest._idleStart, next._idleStart];
  return (from === undefined || to === undefined ? now() - latestAt : to - from) >= delay;
}
