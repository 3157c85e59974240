/**
 * Timeouts that are set again from their own callback, or with the same callback once they have fired, are one timer
 * that goes on: a chain, which is entered where its first one was set. So is one that is refreshed when it has fired.
 *
 * False negatives: a callback that awaits something and then sets a fresh function; loops over setTimeout of timers/promises.
 */
import { executionAsyncResource } from 'node:async_hooks';
import { Resource, type Source } from '../../account/ledger.ts';
import type { Scope } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

/** Set again so often, it is one that goes on. */
const LINKS = 2;
/** What it may do between two timers, beyond their own time, milliseconds. */
const SLACK = 1000;

/** Node's own. */
export interface Timeout {
  _destroyed: boolean;
  _idleTimeout?: number;
  /** Null, or undefined, once it was cleared. */
  _onTimeout?: object | null;
  _timerArgs?: readonly unknown[];
  /** By the clock of the event loop, which stands still within a turn. */
  _idleStart?: number;
  hasRef?(): boolean;
}

interface Chain {
  readonly site: Site;
  readonly scope: Scope | null;
  readonly setAt: number;
  readonly turn: number;
  latest: Timeout;
  /** Milliseconds from setting to firing, and when the latest one was set. */
  delay: number;
  latestAt: number;
  links: number;
}

export class Chains {
  readonly #desk: Desk;
  readonly #source: Source;
  /** By each timer, and by the callback of the latest one. */
  readonly #chains: WeakMap<object, Chain> = new WeakMap();

  constructor(desk: Desk, source: Source) {
    this.#desk = desk;
    this.#source = source;
  }

  /** Whether `timer`, just set, goes on with what was set before. */
  goesOn(timer: Timeout): boolean {
    const chain = this.#chainOf(timer);
    if (chain === undefined) return false;
    this.#link(chain, timer);
    if (++chain.links === LINKS) this.#enter(chain);
    return true;
  }

  /**
   * Before it has fired it is only put off, as time-outs are while something is heard; once it was cleared nothing comes
   * of that. Most are no links of a chain: Node refreshes those of its sockets with whatever they read or write.
   */
  refreshing(timer: Timeout): void {
    const chain = this.#chains.get(timer);
    if (chain === undefined || !timer._onTimeout) return;
    if (!timer._destroyed && executionAsyncResource() !== timer) return;
    this.#link(chain, timer);
    if (++chain.links === LINKS) this.#enter(chain);
  }

  /** Whether `timer` is told as a chain. */
  hasEntered(timer: Timeout): boolean {
    return (this.#chains.get(timer)?.links ?? 0) >= LINKS;
  }

  /** `timer` may be the first of one; Node's own clock for `fetch` goes on for life. */
  begin(timer: Timeout, site: Site): void {
    if (site.stack[0]?.file.startsWith('node:')) return;
    this.#link(
      {
        ...{ site, scope: this.#desk.scope(), setAt: now(), turn: timer._idleStart ?? 0 },
        ...{ latest: timer, delay: 0, latestAt: 0, links: 0 },
      },
      timer,
    );
  }

  #chainOf({ _onTimeout: callback, _idleTimeout: delay = 0 }: Timeout): Chain | undefined {
    const running = this.#chains.get(executionAsyncResource());
    if (running?.delay === delay) return running;
    const same = callback ? this.#chains.get(callback) : undefined;
    // as long as one waits, or where it was cleared, another one with the same function is another timer
    return same?.latest._destroyed && same.latest._onTimeout ? same : undefined;
  }

  #link(chain: Chain, timer: Timeout): void {
    chain.latest = timer;
    chain.latestAt = now();
    chain.delay = timer._idleTimeout ?? 0;
    this.#chains.set(timer, chain);
    if (timer._onTimeout) this.#chains.set(timer._onTimeout, chain);
  }

  #enter(chain: Chain): void {
    const { ledger } = this.#desk;
    const isGone = (): boolean => {
      return chain.latest._destroyed && now() - chain.latestAt > 2 * chain.delay + SLACK;
    };
    const known = { turn: chain.turn, isGone, keepsAlive: () => chain.latest.hasRef?.() !== false };
    ledger.open(new Resource(ledger.account(this.#source, chain.site), chain.scope, chain.setAt, known));
  }
}
