/**
 * One-shots that are to give up on something: their callback rejects, aborts, or calls back with an error. Who sets one has
 * to clear it when what it waits for is over; forgotten, it keeps that, and the process, until it fires.
 *
 * Which ones are, and how whoever waits would hear of it, is read from the callback's own text (giving-up.ts). Where a
 * promise tells, the layer of its flow shows whether somebody still waits (account/layers.ts).
 *
 * False negatives: what fires soon, what gives up by a function that it calls, methods such as `destroy(new Error())`.
 */
import { Resource, type Source } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import { now } from '../../process/runtime.ts';
import { eventOfConnection } from '../connection-here.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import type { Timeout } from './chains.ts';
import { givesUpBy, type Means, textOf } from './giving-up.ts';

/** What fires sooner keeps little, milliseconds. */
const LONG = 5000;
/** What a library sets in an event of a connection fires later than it tries again. */
const LONG_OF_LIBRARY = 10_000;
/** Frames of a stack that is surely whole, and those below which a promise, or the program itself, goes on: no event does. */
const WHOLE = 13;
const OF_CODE = /^node:(?:internal\/(?:modules|main|process\/task_queues)|async_hooks|diagnostics_channel)/;

/** How one gives up, and what else is known of it. */
export interface Way {
  means: Means;
  host: Pick<Known, 'hasLostHost'>;
}

interface TimeOut {
  /** Null once it has fired or was cleared: nothing here is to keep what its callback refers to. */
  timer: Timeout | null;
  readonly resource: Resource;
}

export class TimeOuts {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #others: Source;
  /** What the latest callback that was set at each place does. */
  readonly #latest: WeakMap<Site, { text: string; means: Means | null }> = new WeakMap();
  #pending: TimeOut[] = [];
  /** Those that may still wait, and perhaps some others. */
  #waiting: TimeOut[] = [];

  /** `others`: of one-shots in general, with which those are counted that did fire. */
  constructor(desk: Desk, source: Source, others: Source) {
    this.#desk = desk;
    this.#source = source;
    this.#others = others;
    desk.ledger.beforeReading.push(() => this.#settle());
  }

  /** Whether any waits. */
  get areAny(): boolean {
    const waiting = this.#waiting;
    while (waiting.length > 0 && waiting.at(-1)?.timer?._destroyed !== false) waiting.pop();
    return waiting.length > 0;
  }

  /** How `timer` gives up; null: it does not. */
  wayOf(timer: Timeout, site: Site): Way | null {
    const { _idleTimeout: delay = 0 } = timer;
    const means = delay < LONG ? null : this.#meansOf(timer, site);
    if (means === null) return null;
    if (means !== 'its connection') return { means, host: {} };
    if (delay < LONG_OF_LIBRARY || isOfUser(site)) return null;
    const host = eventOfConnection();
    return host.hasLostHost === undefined ? null : { means, host };
  }

  #meansOf({ _onTimeout: callback, _timerArgs: args }: Timeout, site: Site): Means | null {
    if (typeof callback !== 'function') return null;
    const text = textOf(callback, args);
    const latest = this.#latest.get(site);
    if (latest?.text === text) return latest.means;
    const means = givesUpBy(text);
    this.#latest.set(site, { text, means });
    return means;
  }

  /** `isTold`: as something else. */
  begin(timer: Timeout, site: Site, { means, host }: Way, isTold: (timer: Timeout) => boolean): void {
    const { ledger, flows } = this.#desk;
    const account = ledger.account(this.#source, site);
    const timeOut: TimeOut = {
      timer,
      resource: new Resource(account, this.#desk.scope(), now(), {
        ...host,
        lastsMs: timer._idleTimeout ?? 0,
        turn: timer._idleStart ?? 0,
        isGone: () => timeOut.timer !== null && isTold(timeOut.timer),
        keepsAlive: () => timeOut.timer?.hasRef?.() !== false,
      }),
    };
    const { resource } = timeOut;
    ledger.open(resource);
    this.#pending.push(timeOut);
    this.#waiting.push(timeOut);
    const layer = flows.layers.lay(resource);
    if (layer === null) return;
    // what an event sets is of no flow that waits
    if (means === 'a promise' && isOfCode(site)) resource.follow(layer);
    for (const { resource: earlier } of layer.earlier) {
      if (earlier.account.line === account.line && earlier.turn !== resource.turn) earlier.overtaken++;
    }
  }

  /** What was cleared came back; what has fired has done its work, as any one-shot. */
  #settle(): void {
    const { ledger } = this.#desk;
    this.#pending = this.#pending.filter((timeOut) => {
      const { timer, resource } = timeOut;
      if (timer?._destroyed === false) return true;
      if (timer?._onTimeout && !resource.closed) {
        ledger.forget(resource, now());
        ledger.pass(ledger.account(this.#others, resource.account.site));
      } else {
        if (!resource.closed) resource.account.wasCleared(resource.lastsMs);
        ledger.close(resource, now());
      }
      timeOut.timer = null;
      return false;
    });
    this.#waiting = [...this.#pending];
  }
}

/** Not called by an event, which nobody waits for. */
function isOfCode({ stack, asyncFrom }: Site): boolean {
  const calling = asyncFrom < 0 ? stack : stack.slice(0, asyncFrom);
  return calling.length < WHOLE && calling.every(({ file }) => !file.startsWith('node:') || OF_CODE.test(file));
}
