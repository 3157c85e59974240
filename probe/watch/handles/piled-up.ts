/**
 * Listeners that pile up, of one event on one emitter or event target: numbers until there are more than usual, then
 * each is entered that makes them more than ever. Others that are there, and are written as one that was entered, are
 * taken for the same line's: they stayed while others came and went.
 *
 * False negatives: lines that add only where others have made the number what it is.
 */
import { Resource, type Source } from '../../account/ledger.ts';
import type { Site } from '../../account/site.ts';
import { Tallies } from '../../account/tallies.ts';
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import { mask } from '../../recording/mask.ts';
import type { Desk } from '../desk.ts';

/** Names of a class with an event that are told apart, and how long each part may be. */
const MAX_SOURCES = 100;
const MAX_NAME = 40;
/** Which listeners there are is read once a look; milliseconds. */
const FRESH = 20;
/** Of those that were there before, so many of the latest are looked at, once a pile is known. */
const LATEST = 32;
/** Lines of one pile that are told apart. */
const MAX_LINES = 8;

/** What has listeners of one event. */
export interface Holder {
  readonly emitter: object;
  readonly event: unknown;
  /** How many they will be, with the new one. */
  readonly count: number;
}

/** Those that `emitter` has now. */
export type ReadListeners = (emitter: object, event: unknown) => readonly object[];

interface Pile {
  /** Lines, by what their listeners are written as. */
  readonly lines: Map<unknown, Site>;
  readonly entered: WeakSet<object>;
  /** Some were added since the last look at all, and not entered. */
  hasOthers: boolean;
}

export class PiledUp {
  readonly #desk: Desk;
  readonly #adapter: AdapterName;
  readonly #read: ReadListeners;
  readonly #tallies = new Tallies();
  readonly #piles: WeakMap<object, Map<unknown, Pile>> = new WeakMap();
  readonly #sources: Map<string, Source> = new Map();
  /** What was read last. */
  #latest: { emitter: WeakRef<object>; event: unknown; at: number; has: ReadonlySet<object> } | null = null;

  constructor(desk: Desk, adapter: AdapterName, read: ReadListeners) {
    this.#desk = desk;
    this.#adapter = adapter;
    this.#read = read;
  }

  /** `listener` is about to be added, by a call to `wrapper`. */
  adding(holder: Holder, listener: object, wrapper: Method): void {
    const { emitter, event, count } = holder;
    const pile = this.#pileOf(emitter, event);
    if (!this.#tallies.isMost(pile, count)) {
      pile.hasOthers = true;
      return;
    }
    const source = this.#sourceOf(holder);
    const site = this.#desk.siteOf(source, wrapper);
    if (site !== null && isOfNode(site)) return;
    if (site !== null) this.#enterOthers(holder, source, pile, { listener, site });
    pile.entered.add(listener);
    this.#enter(holder, source, site, listener);
    this.#latest = null;
  }

  /** Those that are there and are written as one of a known line. */
  #enterOthers(holder: Holder, source: Source, pile: Pile, { listener, site }: { listener: object; site: Site }): void {
    const isFirst = pile.lines.size === 0;
    if (pile.lines.size < MAX_LINES) pile.lines.set(writtenAs(listener), site);
    if (!isFirst && !pile.hasOthers) return;
    pile.hasOthers = false;
    const all = this.#read(holder.emitter, holder.event);
    for (const other of isFirst ? all : all.slice(-LATEST)) {
      const line = pile.entered.has(other) ? undefined : pile.lines.get(writtenAs(other));
      if (line === undefined) continue;
      pile.entered.add(other);
      this.#enter(holder, source, line, other);
    }
  }

  /** Of an event on an emitter. Node's own list of them is another one at times. */
  #pileOf(emitter: object, event: unknown): Pile {
    const piles = this.#piles.get(emitter) ?? new Map<unknown, Pile>();
    const pile = piles.get(event) ?? { lines: new Map(), entered: new WeakSet(), hasOthers: false };
    this.#piles.set(emitter, piles.set(event, pile));
    return pile;
  }

  #enter({ emitter, event }: Holder, source: Source, site: Site | null, listener: object): void {
    const desk = this.#desk;
    const holder = new WeakRef(emitter);
    const ref = new WeakRef(listener);
    const isGone = (): boolean => {
      const [from, of] = [holder.deref(), ref.deref()];
      return from === undefined || of === undefined || !this.#listenersOf(from, event).has(of);
    };
    const known = { ref, isGone, ...desk.surroundings() };
    desk.ledger.open(new Resource(desk.ledger.account(source, site), desk.scope(), now(), known));
  }

  #listenersOf(emitter: object, event: unknown): ReadonlySet<object> {
    const latest = this.#latest;
    const at = now();
    if (latest !== null && latest.event === event && at - latest.at < FRESH && latest.emitter.deref() === emitter)
      return latest.has;
    const has = new Set(this.#read(emitter, event));
    this.#latest = { emitter: new WeakRef(emitter), event, at, has };
    return has;
  }

  #sourceOf({ emitter, event }: Holder): Source {
    const name = `${shortName(emitter.constructor?.name || 'EventEmitter')} "${shortName(String(event))}"`;
    const library = this.#sources.size < MAX_SOURCES || this.#sources.has(name) ? name : 'node:events';
    const source =
      this.#sources.get(library) ?? this.#desk.source({ adapter: this.#adapter, nature: 'listener', library });
    this.#sources.set(library, source);
    return source;
  }
}

/** What Node adds for itself, as a pipe does, goes with what it was added for. A stream's own `on` comes from its caller. */
function isOfNode({ stack }: Site): boolean {
  return stack.find((frame) => !isAdding(frame))?.file.startsWith('node:') === true;
}

/** The source of a function; what an object with handleEvent() is made by, or itself. */
function writtenAs(listener: object): unknown {
  if (typeof listener === 'function') return Function.prototype.toString.call(listener);
  const prototype = Object.getPrototypeOf(listener);
  return prototype === Object.prototype ? listener : prototype;
}

function isAdding({ file, function: name }: Site['stack'][number]): boolean {
  return (
    file === 'node:events' || (file === 'node:internal/streams/readable' && /(?:^|\.)(?:on|addListener)$/.test(name))
  );
}

function shortName(text: string): string {
  return mask(text.slice(0, MAX_NAME));
}
