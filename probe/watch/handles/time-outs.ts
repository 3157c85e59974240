/**
 * One-shots that are to give up on something: their callback rejects, aborts, or calls back with an error. Who sets one has
 * to clear it when what it waits for is over; forgotten, it keeps that, and the process, until it fires.
 *
 * Which ones are is read from the callback's own text, once for each place. Its mark tells whether the code that set it
 * still waits: it is laid over the one that the flow has, which it does not take the place of.
 *
 * False negatives: what fires soon, what gives up by a function that it calls, methods such as `destroy(new Error())`, and
 * raced promises, which keep the mark.
 */
import { Resource, type Source } from '../../account/ledger.ts';
import { laidBefore } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import type { Timeout } from './chains.ts';

/** What fires sooner keeps little, milliseconds. */
const LONG = 5000;
/** Of a callback's text. */
const READ = 1000;
/** `reject(…)`, `controller.abort()`, `done(new Error(…))`, but not `socket.destroy(new Error(…))`. */
const GIVES_UP = /\breject\b|\babort\b|(?:^|[^.\w$])[\w$]+\(\s*(?:new\s+)?[\w$.]*Error\b/;
/** Frames of a stack that is whole, and those below which a promise, or the program itself, goes on: no event does. */
const WHOLE = 16;
const OF_CODE = /^node:(?:internal\/(?:modules|main|process\/task_queues)|async_hooks|diagnostics_channel)/;

interface TimeOut {
  timer: Timeout;
  resource: Resource;
}

export class TimeOuts {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #others: Source;
  readonly #giveUp: WeakMap<Site, boolean> = new WeakMap();
  #pending: TimeOut[] = [];

  /** `others`: of one-shots in general, with which those are counted that did fire. */
  constructor(desk: Desk, source: Source, others: Source) {
    this.#desk = desk;
    this.#source = source;
    this.#others = others;
    desk.ledger.beforeReading.push(() => this.#settle());
  }

  isOne(timer: Timeout, site: Site): boolean {
    const { _idleTimeout: delay = 0, _onTimeout: callback } = timer;
    if (delay < LONG || typeof callback !== 'function') return false;
    const known = this.#giveUp.get(site) ?? givesUp(callback, timer);
    this.#giveUp.set(site, known);
    return known;
  }

  /** `isTold`: as something else. */
  begin(timer: Timeout, site: Site, isTold: (timer: Timeout) => boolean): void {
    const { ledger, flows } = this.#desk;
    const account = ledger.account(this.#source, site);
    const isGone = () => isTold(timer);
    const known = { turn: timer._idleStart ?? 0, isGone, keepsAlive: () => timer.hasRef?.() !== false };
    const resource = new Resource(account, this.#desk.scope(), now(), known);
    const mark = flows.askOver();
    ledger.open(resource);
    this.#pending.push({ timer, resource });
    if (mark === null) return;
    mark.token.resource = resource;
    // what an event sets is of no flow that waits
    if (isOfCode(site)) resource.follow(mark);
    for (const earlier of laidBefore(mark)) {
      if (earlier.account.line === account.line && earlier.turn !== resource.turn) earlier.overtaken++;
    }
    flows.enter(mark);
  }

  /** What was cleared came back; what has fired has done its work, as any one-shot. */
  #settle(): void {
    const { ledger } = this.#desk;
    this.#pending = this.#pending.filter(({ timer, resource }) => {
      if (!timer._destroyed) return true;
      if (timer._onTimeout && !resource.closed) {
        ledger.forget(resource, now());
        ledger.pass(ledger.account(this.#others, resource.account.site));
      } else ledger.close(resource, now());
      return false;
    });
  }
}

function givesUp(callback: object, { _timerArgs: args }: Timeout): boolean {
  if (args?.[0] instanceof Error) return true;
  const { name } = callback as { name?: unknown };
  return GIVES_UP.test(`${String(name)} ${Function.prototype.toString.call(callback).slice(0, READ)}`);
}

/** Not called by an event, which nobody waits for. */
function isOfCode({ stack, asyncFrom }: Site): boolean {
  const calling = asyncFrom < 0 ? stack : stack.slice(0, asyncFrom);
  return calling.length < WHOLE && calling.every(({ file }) => !file.startsWith('node:') || OF_CODE.test(file));
}
