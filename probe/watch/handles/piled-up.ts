/**
 * Listeners that pile up, of one event on one emitter or event target: numbers until there are more than usual, then
 * each is entered. Those before it that are written the same are taken for the same line's.
 *
 * False negatives: what was added before that by other lines.
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

/** What has listeners of one event. */
export interface Holder {
  readonly emitter: object;
  readonly event: unknown;
  /** How many they will be, with the new one. */
  readonly count: number;
}

/** Those that `emitter` has now. */
export type ReadListeners = (emitter: object, event: unknown) => Iterable<object>;

export class PiledUp {
  readonly #desk: Desk;
  readonly #adapter: AdapterName;
  readonly #read: ReadListeners;
  readonly #tallies = new Tallies();
  readonly #piles: WeakMap<object, Map<unknown, { isPiled: boolean }>> = new WeakMap();
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
    if (!this.#tallies.isMost(pile, count)) return;
    const source = this.#sourceOf(holder);
    const site = this.#desk.siteOf(source, wrapper);
    if (site !== null && isOfNode(site)) return;
    if (!pile.isPiled && site !== null) {
      pile.isPiled = true;
      const text = String(listener);
      for (const other of this.#read(emitter, event))
        if (String(other) === text) this.#enter(holder, source, site, other);
    }
    this.#enter(holder, source, site, listener);
    this.#latest = null;
  }

  /** Of an event on an emitter. Node's own list of them is another one at times. */
  #pileOf(emitter: object, event: unknown): { isPiled: boolean } {
    const piles = this.#piles.get(emitter) ?? new Map<unknown, { isPiled: boolean }>();
    const pile = piles.get(event) ?? { isPiled: false };
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

function isAdding({ file, function: name }: Site['stack'][number]): boolean {
  return (
    file === 'node:events' || (file === 'node:internal/streams/readable' && /(?:^|\.)(?:on|addListener)$/.test(name))
  );
}

function shortName(text: string): string {
  return mask(text.slice(0, MAX_NAME));
}
