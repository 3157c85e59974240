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
import { type Known, laidBefore } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import { now } from '../../process/runtime.ts';
import { eventOfConnection } from '../connection-here.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import type { Timeout } from './chains.ts';

/** What fires sooner keeps little, milliseconds. */
const LONG = 5000;
/** What a library sets in an event of a connection fires later than it tries again. */
const LONG_OF_LIBRARY = 10_000;
/** Of a callback's text. */
const READ = 1000;
/** `reject(…)`, `controller.abort()`, `done(new Error(…))`, what answers if nobody has yet; but not `socket.destroy(new Error(…))`. */
const GIVES_UP = /\breject\b|\babort\b|\bheadersSent\b|(?:^|[^.\w$])[\w$]+\(\s*(?:new\s+)?[\w$.]*Error\b/;
/** The same, and closes what it is for. */
const GIVES_UP_ON_CONNECTION = /Error\b|ETIMEDOUT|\b(?:reject|abort|destroy|close|terminate|end)\b/;
/** Frames of a stack that is surely whole, and those below which a promise, or the program itself, goes on: no event does. */
const WHOLE = 13;
const OF_CODE = /^node:(?:internal\/(?:modules|main|process\/task_queues)|async_hooks|diagnostics_channel)/;

interface TimeOut {
  timer: Timeout;
  resource: Resource;
}

export class TimeOuts {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #others: Source;
  /** Texts of the callbacks that are set at each place. */
  readonly #texts: WeakMap<Site, string> = new WeakMap();
  #pending: TimeOut[] = [];

  /** `others`: of one-shots in general, with which those are counted that did fire. */
  constructor(desk: Desk, source: Source, others: Source) {
    this.#desk = desk;
    this.#source = source;
    this.#others = others;
    desk.ledger.beforeReading.push(() => this.#settle());
  }

  /** What is known of `timer` if it is one; null: it is none. */
  knownOf(timer: Timeout, site: Site): Known | null {
    const { _idleTimeout: delay = 0, _onTimeout: callback } = timer;
    if (delay < LONG || typeof callback !== 'function') return null;
    const known = this.#texts.get(site) ?? textOf(callback, timer);
    this.#texts.set(site, known);
    if (GIVES_UP.test(known)) return {};
    if (delay < LONG_OF_LIBRARY || !GIVES_UP_ON_CONNECTION.test(known) || isOfUser(site)) return null;
    const host = eventOfConnection();
    return host.hasLostHost === undefined ? null : host;
  }

  /** `isTold`: as something else. */
  begin(timer: Timeout, site: Site, own: Known, isTold: (timer: Timeout) => boolean): void {
    const { ledger, flows } = this.#desk;
    const account = ledger.account(this.#source, site);
    const isGone = () => isTold(timer);
    const known = { ...own, turn: timer._idleStart ?? 0, isGone, keepsAlive: () => timer.hasRef?.() !== false };
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

/** Of what gives up by its argument, that. */
function textOf(callback: object, { _timerArgs: args }: Timeout): string {
  const { name } = callback as { name?: unknown };
  const given = args?.[0] instanceof Error ? 'reject' : '';
  return `${given} ${String(name)} ${Function.prototype.toString.call(callback).slice(0, READ)}`;
}

/** Not called by an event, which nobody waits for. */
function isOfCode({ stack, asyncFrom }: Site): boolean {
  const calling = asyncFrom < 0 ? stack : stack.slice(0, asyncFrom);
  return calling.length < WHOLE && calling.every(({ file }) => !file.startsWith('node:') || OF_CODE.test(file));
}
