/**
 * What a service opens and has to close by itself: clients of servers, pools of threads. Most services have one of each
 * for life, which is silent; one per request or job is what leaks.
 *
 * The line is the one that made it, even where it connects later. What a watched library makes for itself, such as the
 * connections of a BullMQ worker, belongs to what that library is making; if it stays when that was closed, the library
 * leaks.
 */

import type { Mark } from '../../account/flow.ts';
import type { Request, Resource } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { Site } from '../../account/site.ts';
import { around, type Method } from '../../process/around.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { Entered, type EnteredFacts } from '../handles/entered.ts';
import { type Host, type Hosts, isWhollyClosed } from '../host.ts';
import { installedAs } from '../packages.ts';

/** Folders of the packages of one adapter: their own frames are passed over where a maker is looked for. */
export class Folders {
  readonly #folders: Set<string> = new Set();

  /** Of the package that `file` is of. */
  add(file: string): void {
    const folder = installedAs(file)?.folder;
    if (folder !== undefined) this.#folders.add(folder);
  }

  has(file: string): boolean {
    for (const folder of this.#folders) if (file.startsWith(folder)) return true;
    return false;
  }
}

export interface ClientsFacts<Client> extends EnteredFacts<Client> {
  /** Files of its own package that make clients as parts of others. */
  partsIn?: RegExp;
  /** How much of what was asked of it has not come back yet. */
  pendingOf?(client: Client): number;
  /** It has done with its last work, where that takes longer than it is said to have ended. */
  isOver?: ((client: Client) => boolean) | undefined;
}

export class Clients<Client extends object> implements Hosts {
  readonly #desk: Desk;
  readonly #facts: ClientsFacts<Client>;
  readonly #folders: Folders;
  readonly #entered: Entered<Client>;
  /** Made, and perhaps not connected yet. */
  readonly #made: WeakMap<Client, Request> = new WeakMap();
  /** Methods that end one, by who has them. */
  readonly #ends: WeakMap<object, Set<string>> = new WeakMap();
  /** Whose methods run now, innermost last. */
  readonly #acting: (Client | undefined)[] = [];
  readonly #hosts: WeakMap<object, Host> = new WeakMap();
  readonly #own: WeakSet<Host> = new WeakSet();

  constructor(desk: Desk, facts: ClientsFacts<Client>, folders: Folders) {
    this.#desk = desk;
    this.#facts = facts;
    this.#folders = folders;
    this.#entered = new Entered(desk, facts);
    desk.hosts.push(this);
  }

  has(file: string): boolean {
    return this.#folders.has(file);
  }

  here(): Host | null {
    const acting = this.#acting.at(-1);
    if (acting !== undefined) return this.#hostOf(acting);
    const mark = this.#desk.flows.current();
    const host = mark?.host as Host | null | undefined;
    return host && this.#own.has(host) ? host : null;
  }

  /** Null for a part of another one. */
  #hostOf(client: Client): Host | null {
    const request = this.#made.get(client);
    const known = this.#hosts.get(client);
    if (request === undefined || known !== undefined) return known ?? null;
    const ref = new WeakRef(client);
    const { hasEnded, isOver, pendingOf } = this.#facts;
    const host: Host = {
      site: request.site,
      isOver: () => {
        const alive = ref.deref();
        const resource = alive && this.resourceOf(alive);
        if (alive === undefined || resource === undefined) return alive === undefined;
        return isOver?.(alive) ?? (isWhollyClosed(resource) || (!resource.closed && hasEnded(alive)));
      },
      pending: () => {
        const alive = ref.deref();
        return alive === undefined || pendingOf === undefined ? null : pendingOf(alive);
      },
    };
    this.#hosts.set(client, host);
    this.#own.add(host);
    return host;
  }

  /** By a call to `wrapper`, which is on the stack; it holds nothing before it is `opened`. */
  made(client: Client, wrapper: Method): void {
    if (!this.#made.has(client)) this.madeBy(client, this.ask(wrapper));
  }

  /** The same, for what is made later than it is asked for. */
  madeBy(client: Client, request: Request): void {
    if (!request.site || !this.#isPart(request.site)) this.#made.set(client, request);
  }

  ask(wrapper: Method): Request {
    return this.#entered.asked(wrapper);
  }

  resourceOf(client: Client): Resource | undefined {
    return this.#entered.resourceOf(client);
  }

  #isPart({ stack }: Site): boolean {
    const { partsIn } = this.#facts;
    return partsIn !== undefined && stack.some(({ file }) => this.#folders.has(file) && partsIn.test(file));
  }

  /** `client` holds something from now on; without one that is known to have been made, nothing is entered. */
  opened(client: Client, known: Known = {}): void {
    const request = this.#made.get(client);
    if (!request || this.#entered.has(client)) return;
    const maker = request.site === null ? null : this.#desk.makerOf(request.site, this.#folders);
    if (maker === 'unknown') return;
    // the flow that opens it is the one that has it, which need not be the one that made it
    request.mark = request.site === null ? null : this.#desk.flows.ask(false);
    this.#entered.enter(request, client, {
      ...known,
      ...(maker !== null && { owner: maker }),
    });
  }

  /** What is made by the library until this turn ends belongs to `client`. */
  isMaking(client: Client): void {
    const resource = this.resourceOf(client);
    if (resource) this.#desk.isMaking(resource, this.#folders);
  }

  /** Whatever the method begins is the library's own, done for that client, and must not keep the flow that called. */
  openedBy(owner: object, method: string, clientOf: (self: object) => Client | undefined): boolean {
    return around<object, Client | undefined>(this.#facts.adapter, owner, method, {
      before: (self) => this.#acts(clientOf(self)),
      within: this.#goesOn(() => this.#desk.flows.suspend()),
      finally: (_, client) => {
        this.#acting.pop();
        if (client) this.opened(client);
      },
    });
  }

  /** By any of the methods that `prototype` has or inherits. */
  closedBy(prototype: object, methods: readonly string[], clientOf?: (self: object) => Client | undefined): void {
    for (const method of methods) {
      const owner = ownerOf(prototype, method);
      const known = owner && (this.#ends.get(owner) ?? new Set());
      if (!known || known.has(method)) continue;
      this.#ends.set(owner, known.add(method));
      this.#entered.endedBy(owner, method, clientOf);
    }
  }

  closed(client: Client, wrapper: Method): void {
    this.#entered.closed(client, wrapper);
  }

  used(client: Client): void {
    const mark = this.#desk.flows.current();
    const resource = this.resourceOf(client);
    // what it says to its server of its own accord is in its maker's scope, and of no flow but its own
    const isOwn = mark === null || (mark.host !== null && mark.host === this.#hosts.get(client));
    if (resource && isOwn && this.#desk.scope() === resource.scope) resource.lastUsedAt = now();
    else this.#entered.used(client);
  }

  usedBy(owner: object, method: string, clientOf: (self: object) => Client | undefined): void {
    around<object>(this.#facts.adapter, owner, method, {
      before: (self) => {
        const client = this.#acts(clientOf(self));
        if (client) this.used(client);
      },
      finally: () => {
        this.#acting.pop();
      },
    });
  }

  /** What the method begins, and all that follows from it, is done for the client whose it is. */
  goesOnBy(owner: object, method: string): void {
    around<Client>(this.#facts.adapter, owner, method, {
      before: (client) => {
        this.#acts(client);
      },
      within: this.#goesOn(() => this.#desk.flows.current()),
      finally: () => {
        this.#acting.pop();
      },
    });
  }

  /** For the client that acts, where it is known. */
  #goesOn(otherwise: () => Mark | null) {
    const { flows } = this.#desk;
    return {
      enter: () => {
        const acting = this.#acting.at(-1);
        const host = acting && this.#hostOf(acting);
        return host ? flows.goesOnFor(host) : otherwise();
      },
      leave: (before: unknown) => flows.leave(before as Mark | null),
    };
  }

  #acts(client: Client | undefined): Client | undefined {
    this.#acting.push(client);
    return client;
  }
}

/** Who of the chain of prototypes has `method`; null: nobody but Object. */
export function ownerOf(prototype: object, method: string): object | null {
  let owner: object | null = prototype;
  while (owner !== null && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner === Object.prototype ? null : owner;
}
