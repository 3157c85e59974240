/** The handles of one source: entered where user code made them, gone when they end. Held weakly throughout. */
import type { Request, Resource, Source, SourceFacts } from '../../account/ledger.ts';
import type { Peer } from '../../account/pool-state.ts';
import type { Known } from '../../account/resource.ts';
import type { Scope } from '../../account/scope.ts';
import type { Site } from '../../account/site.ts';
import { around, type Method } from '../../process/around.ts';
import type { Part } from '../../process/lapses.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

export interface EnteredFacts<Handle> extends SourceFacts {
  adapter: Part;
  /** By what the handle itself shows; asked at each look. */
  hasEnded(handle: Handle): boolean;
  /** Its object is what ends it: once that was collected, nobody can. */
  isLostWithObject?: boolean;
  /** A number that changes as it is used; asked at each look. */
  pulse?(handle: Handle): number;
  /** Whether it holds the process open. */
  holds?(handle: Handle): boolean;
  /** See `Known`. */
  isKept?(handle: Handle): boolean;
  heldAgainMs?(handle: Handle): number;
  /** It waits for its server, as whoever has it does; asked at each look. */
  isBusy?(handle: Handle): boolean;
  /** See `Known`. */
  leadsTo?(handle: Handle): string | null;
  /** Which connection it is to a server; asked when somebody looks. */
  peerOf?(handle: Handle): Peer;
}

/** Where and in which scope something was made that is entered later on. */
export interface Here {
  readonly site: Site;
  readonly scope: Scope | null;
  readonly surroundings: Known;
}

export class Entered<Handle extends object> {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #facts: EnteredFacts<Handle>;
  readonly #open: WeakMap<Handle, Resource> = new WeakMap();
  /** Classes whose method that ends one is known. */
  readonly #known: WeakSet<object> = new WeakSet();

  constructor(desk: Desk, facts: EnteredFacts<Handle>) {
    const { adapter, nature, library } = facts;
    this.#desk = desk;
    this.#source = desk.source({ adapter, nature, library });
    this.#facts = facts;
    const { peerOf } = facts;
    if (peerOf) this.#source.peers = () => this.#peers(peerOf);
  }

  *#peers(peerOf: (handle: Handle) => Peer) {
    for (const { open } of this.#source.accounts.values()) {
      for (const resource of open) {
        const handle = resource.ref?.deref() as Handle | undefined;
        if (handle) yield { resource, peer: peerOf(handle) };
      }
    }
  }

  /** Made by a call to `wrapper`, which is on the stack; what a watched library makes for itself is its own. */
  opened(handle: Handle, wrapper: Method): void {
    if (this.has(handle)) return;
    const request = this.asked(wrapper);
    if (request.site === null || !this.#desk.isOfLibrary(request.site)) this.enter(request, handle);
  }

  /** The same, where `askedByUser`. */
  openedByUser(handle: Handle, wrapper: Method): void {
    const request = this.has(handle) ? null : this.askedByUser(wrapper);
    if (request) this.enter(request, handle);
  }

  /** Who asks for one, to be entered or not; made by a call to `wrapper`. */
  asked(wrapper: Method): Request {
    return this.#desk.ask(this.#source, wrapper);
  }

  /** Null when Node's or a watched library's own code called, which ends what it makes; also where no stack can tell. */
  askedByUser(wrapper: Method): Request | null {
    const site = this.#desk.callByUser(this.#source, wrapper);
    return site === null || this.#desk.isOfLibrary(site) ? null : this.#desk.ask(this.#source, wrapper, site);
  }

  enter(request: Request, handle: Handle, known: Known = {}): void {
    const desk = this.#desk;
    const { hasEnded, isLostWithObject = false, pulse, holds, isKept, heldAgainMs, isBusy, leadsTo } = this.#facts;
    const ref = new WeakRef(handle);
    let latest: number | null = null;
    const isGone = (): boolean => {
      const alive = ref.deref();
      if (alive === undefined) return !isLostWithObject;
      if (hasEnded(alive)) return true;
      if (pulse === undefined) return false;
      const count = pulse(alive);
      // what came and went before the first look is how it began
      if (latest !== null && count !== latest) resource.lastUsedAt = now();
      latest = count;
      return false;
    };
    const object = isLostWithObject ? { handle: ref } : { ref };
    const asked: Known = {
      ...(holds && { keepsAlive: () => ask(ref, holds) !== false }),
      ...(isKept && { isKept: () => ask(ref, isKept) === true }),
      ...(isBusy && { isBusy: () => ask(ref, isBusy) === true }),
      ...(leadsTo && { leadsTo: () => ask(ref, leadsTo) ?? null }),
      ...(heldAgainMs && { heldAgainMs: () => ask(ref, heldAgainMs) ?? 0 }),
    };
    const resource = desk.open(request, { ...object, isGone, ...asked, ...desk.surroundings(), ...known });
    this.#open.set(handle, resource);
    // only now: the handle's own callbacks must not keep the flow that made it
    desk.flows.enter(request.mark);
  }

  enterAt({ site, scope, surroundings }: Here, handle: Handle): void {
    const asked = { source: this.#source, site, scope, askedAt: now(), mark: null, trace: null };
    if (!this.has(handle)) this.enter({ ...asked, previous: null, next: null }, handle, surroundings);
  }

  has(handle: Handle): boolean {
    return this.#open.get(handle)?.closed === false;
  }

  resourceOf(handle: Handle): Resource | undefined {
    return this.#open.get(handle);
  }

  /** Of a class that nothing exports: it has this method, which ends `handle`, or what `handleOf` makes of its `this`. */
  learnEnd(instance: object, method: string, handleOf = (self: object): Handle | undefined => self as Handle): void {
    let owner: object | null = Object.getPrototypeOf(instance);
    while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
    if (owner === null || this.#known.has(owner)) return;
    this.#known.add(owner);
    this.endedBy(owner, method, handleOf);
  }

  endedBy(owner: object, method: string, handleOf = (self: object): Handle | undefined => self as Handle): void {
    around<object>(this.#facts.adapter, owner, method, {
      before: (self, _, __, wrapper) => {
        const handle = handleOf(self);
        if (handle !== undefined) this.closed(handle, wrapper);
      },
    });
  }

  closed(handle: Handle, wrapper: Method): void {
    const resource = this.#open.get(handle);
    if (resource?.closed === false) this.#desk.close(resource, wrapper);
  }

  used(handle: Handle): void {
    const resource = this.#open.get(handle);
    if (resource?.closed === false) this.#desk.use(resource, null);
  }
}

function ask<Handle extends object, Answer>(ref: WeakRef<Handle>, question: (handle: Handle) => Answer) {
  const alive = ref.deref();
  return alive && question(alive);
}
