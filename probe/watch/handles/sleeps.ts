/**
 * setTimeout of node:timers/promises: nobody can forget to clear one, but a loop that awaits one after the other goes on
 * as an interval does, and is told as one (chains.ts). The promise is its caller's own; whether it has settled is read
 * from how it is printed, since to wait for it would count as handling it.
 *
 * False negatives: `scheduler.wait()`, and before Node.js 24 all of it.
 */
import { inspect } from 'node:util';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { asyncContextFrame } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import type { Chains, Timeout } from './chains.ts';

const PART = 'timers' satisfies AdapterName;

/** To print nothing of what a promise is of, and to call no code of the service's. */
const BRIEFLY = { depth: 0, customInspect: false, showProxy: true, maxArrayLength: 0, maxStringLength: 0 } as const;

export function watchSleeps(desk: Desk, chains: Chains): void {
  if (!asyncContextFrame) return;
  const source = desk.source({ adapter: PART, nature: 'repeating sleep', library: 'timers/promises.setTimeout' });
  around<object, number>(PART, process.getBuiltinModule('node:timers/promises'), 'setTimeout', {
    before: (_, delay) => {
      if (!desk.ignoresCounted) chains.setting(desk.hasStackFor(source));
      // Node refuses others, which may be anything
      return typeof delay === 'number' ? delay : 0;
    },
    after: (_, promise: Promise<unknown>, delay = 0, wrapper) => {
      if (desk.ignoresCounted) return;
      const sleep = new Sleep(promise, delay);
      const site = desk.siteOf(source, wrapper);
      if (site !== null && (!isOfUser(site) || desk.isOfLibrary(site))) return;
      if (!chains.flowsOn(sleep, site) && site !== null) chains.begin(sleep, site, source);
    },
  });
}

/** As Node's timer would be, which is out of reach. */
class Sleep implements Timeout {
  readonly isSleep = true;
  readonly _idleTimeout: number;
  readonly #promise: WeakRef<Promise<unknown>>;

  constructor(promise: Promise<unknown>, delay: number) {
    this.#promise = new WeakRef(promise);
    this._idleTimeout = delay;
  }

  /** What it is for holds it until it has fired. */
  get #text(): string {
    const promise = this.#promise.deref();
    return promise === undefined ? '' : inspect(promise, BRIEFLY);
  }

  get _destroyed(): boolean {
    return !this.#text.startsWith('Promise { <pending>');
  }

  /** It was aborted. */
  get _onTimeout(): object | null {
    return this.#text.startsWith('Promise { <rejected>') ? null : this;
  }
}
