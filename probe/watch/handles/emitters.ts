/**
 * Listeners that pile up on what lives long: EventEmitter, EventTarget, AbortSignal, a channel of diagnostics_channel; and
 * signals that AbortSignal.any makes of one that lives long, which keeps them for as long as somebody listens to them.
 *
 * To add one to an emitter costs some nanoseconds more until the first look after node:http was loaded, and from then on
 * only where there may be more than usual: where one was allowed more, or Node has warned of one. It is dear where there
 * are emitters of many classes: of a process that has added thousands some are looked at, until the first of them has more
 * than usual. To remove one costs nothing.
 *
 * False negatives: after that first look, what is added to an emitter that is allowed more by setting Node's own
 * `_maxListeners`, and what is added before the next look where the default is raised.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { Tallies } from '../../account/tallies.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, aroundForNow } from '../../process/around.ts';
import { ByChance } from '../../process/by-chance.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';
import { isTold } from './listeners.ts';
import { isTakenAway, PiledUp } from './piled-up.ts';

const PART = 'emitters' satisfies AdapterName;

/** Fewer are never looked at. */
const FEW = 16;
/** So many are looked at, and of those after them one in some. */
const ALL = 20_000;
const ONE_OF = 4;

/** One of `once` is wrapped by Node. */
type Listener = object & { listener?: object };

/** Node's own. */
interface Emitter {
  _events?: Record<PropertyKey, Listener | Listener[] | undefined>;
}

export function watchEmitters(desk: Desk): void {
  const piled = new PiledUp(desk, PART, listenersOfEmitter, false);
  const some = new ByChance(ONE_OF);
  let left = ALL;
  const before = (emitter: Emitter, event: unknown, listener: unknown, wrapper: Function): void => {
    if (event === 'free') desk.onFree?.(emitter);
    if (left > 0) left--;
    else if (!some.takes()) return;
    const list = emitter._events?.[event as PropertyKey];
    if (!Array.isArray(list) || list.length < FEW || typeof listener !== 'function') return;
    left = Number.POSITIVE_INFINITY;
    piled.adding({ emitter, event, count: list.length + 1 }, unwrapped(listener), wrapper);
  };
  whileMoreMayCome(desk, () => aroundForNow<Emitter>(PART, EventEmitter.prototype, ['on', 'addListener'], { before }));
  around<Emitter>(PART, EventEmitter.prototype, 'prependListener', { before });
  watchTargets(desk);
  watchChannels(desk);
}

/** Watches, which `watch` begins, from the start on, and beyond the first look once some emitter may have more than usual. */
function whileMoreMayCome(desk: Desk, watch: () => () => boolean): void {
  let stop: (() => boolean) | null = watch();
  let mayCome = desk.isLate;
  const comes = (): void => {
    mayCome = true;
    stop ??= watch();
  };
  around(PART, EventEmitter.prototype, 'setMaxListeners', {
    before: (_, limit) => {
      if (isMore(limit)) comes();
    },
  });
  around(PART, process, 'emitWarning', {
    before: (_, warning) => {
      if (isTold(warning)) comes();
    },
  });
  const { emitWarning } = process;
  desk.ledger.beforeReading.push(() => {
    const { _maxListeners: own } = process as { _maxListeners?: unknown };
    if (isMore(EventEmitter.defaultMaxListeners) || isMore(own) || process.emitWarning !== emitWarning) comes();
    // as long as an agent is waited for it is known by what it listens to
    if (!mayCome && desk.onFree === null && stop?.()) stop = null;
  });
}

/** As a limit, of which 0 is none. */
function isMore(limit: unknown): boolean {
  return limit === 0 || (limit as number) > FEW;
}

/** Of a target: a function, or an object with handleEvent(). */
function isListener(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function unwrapped(listener: Listener): object {
  return listener.listener ?? listener;
}

function listenersOfEmitter(emitter: Emitter, event: unknown): object[] {
  const list = emitter._events?.[event as PropertyKey];
  return list === undefined ? [] : [list].flat().map(unwrapped);
}

/** Node's own list: its head tells how many there are. */
interface Root {
  size: number;
  next?: Link;
}
interface Link {
  next?: Link;
  listener?: object;
  /** It goes with what it acts on. */
  weak?: boolean;
}

type RootOf = (target: object | undefined, event: unknown) => Root | undefined;

/** Node's own: the subscribers of a channel that has some. */
interface Channel {
  readonly name: string | symbol;
  readonly _subscribers?: object[];
}

/** A channel that has subscribers is of a class that nothing exports. */
function watchChannels(desk: Desk): void {
  const own = diagnosticsChannel.channel('outlive');
  const nobody = (): void => {};
  own.subscribe(nobody);
  const prototype = Object.getPrototypeOf(own);
  own.unsubscribe(nobody);
  const piled = new PiledUp(desk, PART, (channel) => (channel as Channel)._subscribers ?? [], false);
  around<Channel>(PART, prototype, 'subscribe', {
    before: (channel, listener, _, wrapper) => {
      const { _subscribers: list } = channel;
      if (!Array.isArray(list) || list.length < FEW || typeof listener !== 'function') return;
      piled.adding({ emitter: channel, event: channel.name, count: list.length + 1 }, listener, wrapper);
    },
  });
}

function watchTargets(desk: Desk): void {
  const key = Object.getOwnPropertySymbols(new EventTarget()).find(({ description }) => description === 'kEvents');
  if (key === undefined) return;
  // none by a call without a target, which Node refuses
  const rootOf: RootOf = (target, event) =>
    (target as Record<symbol, Map<unknown, Root> | undefined> | undefined)?.[key]?.get(event);
  watchComposites(desk, rootOf);
  const piled = new PiledUp(desk, PART, (target, event) => listenersAt(rootOf(target, event)), true);
  around<EventTarget>(PART, EventTarget.prototype, 'addEventListener', {
    before: (target, event, listener, wrapper) => {
      const list = rootOf(target, event);
      if (list === undefined || list.size < FEW || !isListener(listener)) return;
      piled.adding({ emitter: target, event, count: list.size + 1 }, listener, wrapper);
    },
  });
}

function listenersAt(root: Root | undefined): object[] {
  const list: object[] = [];
  for (let link = root?.next; link !== undefined; link = link.next) if (link.listener) list.push(link.listener);
  return list;
}

function watchComposites(desk: Desk, rootOf: RootOf): void {
  const tallies = new Tallies();
  /** Of each that was entered, what it was made of and nobody else lets go. */
  const sources = new WeakMap<AbortSignal, WeakRef<AbortSignal>[]>();
  const composites = new Entered<AbortSignal>(desk, {
    ...{ adapter: PART, nature: 'composite signal', library: 'AbortSignal.any' },
    hasEnded: ({ aborted }) => aborted,
    isKept: (composite) =>
      sources.get(composite)?.some((source) => source.deref()) === true && isHeard(rootOf(composite, 'abort')),
  });
  around<object, unknown>(PART, AbortSignal, 'any', {
    before: (_, signals) => signals,
    after: (_, composite: AbortSignal, signals, wrapper) => {
      if (!Array.isArray(signals)) return;
      // all are told
      const piled = signals.filter((signal: AbortSignal) => tallies.add(signal));
      if (piled.length === 0) return;
      sources.set(
        composite,
        piled.map((signal) => new WeakRef(signal)),
      );
      composites.opened(composite, wrapper);
    },
  });
}

/** By what somebody has to take away again. */
function isHeard(root: Root | undefined): boolean {
  for (let link = root?.next; link !== undefined; link = link.next) {
    if (link.listener && link.weak !== true && !isTakenAway(link.listener)) return true;
  }
  return false;
}
