/**
 * Listeners that pile up, of one event on one emitter or event target: numbers until there are more than usual, then
 * each that makes them more than ever is entered, with those that are written the same and are there by then, which are
 * taken for the same line's: where most are removed again, the ones that stay are not those that made a new peak.
 *
 * False negatives: what was added by other lines before there were more than usual, or while there were not more than
 * ever.
 */
import { type Account, Resource, type Source } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { Scope } from '../../account/scope.ts';
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
/** All of a pile are read once it is larger by this share: ten thousand are not read ten thousand times. */
const GROWN = 1 / 16;
/** Events of one emitter whose listeners pile up. */
const MAX_EVENTS = 1000;

const UNREGISTERS = /\b\w*(?:finali[sz]|registry)\w*\.unregister\(/i;

/** What has listeners of one event. */
export interface Holder {
  readonly emitter: object;
  readonly event: unknown;
  /** How many they will be, with the new one. */
  readonly count: number;
}

/** Those that `emitter` has now. */
export type ReadListeners = (emitter: object, event: unknown) => Iterable<object>;

/** When a listener was added, and by whose work. */
interface Added {
  readonly at: number;
  readonly scope: Scope | null;
  readonly known: Known;
}

/** Of one event on one emitter. */
interface Pile {
  /** How many there were when the latest was entered. */
  top: number;
  /** From how many on all are read. */
  readFrom: number;
  /** Those in the ledger: one may be added several times. */
  readonly entered: WeakMap<object, Resource[]>;
  /** Others that were added since it is one. */
  readonly others: WeakMap<object, Added>;
}

export class PiledUp {
  readonly #desk: Desk;
  readonly #adapter: AdapterName;
  readonly #read: ReadListeners;
  readonly #isOnceEach: boolean;
  readonly #tallies = new Tallies();
  readonly #piles: WeakMap<object, Map<unknown, Pile>> = new WeakMap();
  readonly #sources: Map<string, Source> = new Map();
  /** What was read last. */
  #latest: { emitter: WeakRef<object>; event: unknown; at: number; has: ReadonlySet<object> } | null = null;

  /** `isOnceEach`: what is a listener already is not added a second time. */
  constructor(desk: Desk, adapter: AdapterName, read: ReadListeners, isOnceEach: boolean) {
    this.#desk = desk;
    this.#adapter = adapter;
    this.#read = read;
    this.#isOnceEach = isOnceEach;
  }

  /** `listener` is about to be added, by a call to `wrapper`. */
  adding(holder: Holder, listener: object, wrapper: Method): void {
    const desk = this.#desk;
    const pile = this.#pileOf(holder);
    if (pile === null) return;
    const here = { at: now(), scope: desk.scope(), known: desk.surroundings() };
    if (!this.#tallies.isMost(pile, holder.count)) {
      pile.others.set(listener, here);
      return;
    }
    // one that comes and goes, or is only asked for again, stays one
    if ((this.#isOnceEach || holder.count <= pile.top) && isOpen(pile.entered.get(listener))) return;
    if (isTakenAway(listener)) return;
    const source = this.#sourceOf(holder);
    const site = desk.siteOf(source, wrapper);
    if (site !== null && isOfNode(site)) return;
    const account = desk.ledger.account(source, site);
    if (site !== null && holder.count >= pile.readFrom) {
      pile.readFrom = holder.count + Math.floor(holder.count * GROWN);
      // nobody knows whose work the first ones are of
      const before = { ...here, scope: null, known: { ...here.known, isOfUnknownScope: true } };
      for (const other of this.#alike(holder, pile, listener))
        this.#enter(pile, holder, account, other, pile.others.get(other) ?? before);
    }
    this.#enter(pile, holder, account, listener, here);
    pile.top = holder.count;
    this.#latest = null;
  }

  /** Null where there are too many. */
  #pileOf({ emitter, event }: Holder): Pile | null {
    const piles = this.#piles.get(emitter) ?? new Map<unknown, Pile>();
    const known = piles.get(event);
    if (known) return known;
    if (piles.size >= MAX_EVENTS && !this.#makesRoom(emitter, piles)) return null;
    const pile = { top: 0, readFrom: 0, entered: new WeakMap(), others: new WeakMap() };
    // Node's own list of its listeners is another one at times
    this.#piles.set(emitter, piles.set(event, pile));
    return pile;
  }

  /** Forgets one of which there are none, or has the next one looked at first. */
  #makesRoom(emitter: object, piles: Map<unknown, Pile>): boolean {
    const [[event, pile]] = piles as unknown as [[unknown, Pile]];
    piles.delete(event);
    for (const _ of this.#read(emitter, event)) {
      piles.set(event, pile);
      return false;
    }
    return true;
  }

  /** Those that are written the same, and not in the ledger yet. */
  *#alike({ emitter, event }: Holder, { entered }: Pile, listener: object): Generator<object> {
    const text = writtenAs(listener);
    const times = new Map<object, number>();
    for (const other of this.#read(emitter, event)) {
      const left = times.get(other) ?? entered.get(other)?.filter(({ closed }) => !closed).length ?? 0;
      times.set(other, left - 1);
      if (left <= 0 && writtenAs(other) === text) yield other;
    }
  }

  #enter(pile: Pile, { emitter, event }: Holder, account: Account, listener: object, added: Added): void {
    const holder = new WeakRef(emitter);
    const ref = new WeakRef(listener);
    const isGone = (): boolean => {
      const [from, of] = [holder.deref(), ref.deref()];
      return from === undefined || of === undefined || !this.#listenersOf(from, event).has(of);
    };
    const { scope, at, known } = added;
    const resource = new Resource(account, scope, at, { ref, isGone, ...known });
    this.#desk.ledger.open(resource);
    pile.entered.set(listener, [...(pile.entered.get(listener) ?? []).filter(({ closed }) => !closed), resource]);
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

function isOpen(resources: readonly Resource[] = []): boolean {
  return resources.some(({ closed }) => !closed);
}

/** The source of a function; what an object with handleEvent() is made by, or itself. */
function writtenAs(listener: object): unknown {
  if (typeof listener === 'function') return Function.prototype.toString.call(listener);
  const prototype = Object.getPrototypeOf(listener);
  return prototype === Object.prototype ? listener : prototype;
}

/** By a registry, once what it acts on is garbage, as its text tells: undici 6 listens so to the signal of a fetch. */
export function isTakenAway(listener: object): boolean {
  return UNREGISTERS.test(String(writtenAs(listener)));
}

function isAdding({ file, function: name }: Site['stack'][number]): boolean {
  return (
    file === 'node:events' || (file === 'node:internal/streams/readable' && /(?:^|\.)(?:on|addListener)$/.test(name))
  );
}

function shortName(text: string): string {
  return mask(text.slice(0, MAX_NAME));
}
