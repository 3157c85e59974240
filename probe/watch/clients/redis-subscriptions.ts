/**
 * Functions that node-redis from version 4 on tells of messages, which a client keeps by channel and pattern: one that a
 * request adds and does not take away again stays for as long as the client. The same one twice for a channel is one.
 *
 * False negatives: of version 4 those of the first client that is made, which has its methods by then.
 */
import { types } from 'node:util';
import type { Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { hearing } from '../../process/outcome.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';

const PART = 'redis' satisfies AdapterName;
/** What begins and what ends one: of channels, patterns, and channels of one shard. */
const PAIRS = [
  ['SUBSCRIBE', 'UNSUBSCRIBE'],
  ['PSUBSCRIBE', 'PUNSUBSCRIBE'],
  ['SSUBSCRIBE', 'SUNSUBSCRIBE'],
] as const;

interface Client {
  isOpen?: boolean;
}

/** By the channel that they listen to. */
type Listening = Map<string, Map<unknown, Resource>>;

const nothing = (): void => {};

export class RedisSubscriptions {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #clientOf: (self: object) => Client;
  readonly #ownerOf: (client: Client) => Resource | undefined;
  readonly #listening: WeakMap<Client, Map<string, Listening>> = new WeakMap();

  constructor(desk: Desk, clientOf: (self: object) => Client, ownerOf: (client: Client) => Resource | undefined) {
    this.#desk = desk;
    this.#source = desk.source({ adapter: PART, nature: 'message listener', library: `${PART} listener` });
    this.#clientOf = clientOf;
    this.#ownerOf = ownerOf;
  }

  /** Of all clients whose methods `owner` has. */
  watch(owner: object): void {
    for (const [begin, end] of PAIRS) {
      around<object, Resource[]>(PART, owner, begin, {
        before: (self, channels, listener, wrapper) => {
          const isNew = typeof listener === 'function';
          return isNew ? this.#begins(this.#clientOf(self), begin, channels, listener, wrapper) : [];
        },
        call: (method, self, args, begun = []) => {
          const subscribing: unknown = Reflect.apply(method, self, args);
          if (begun.length === 0 || !types.isPromise(subscribing)) return subscribing;
          return hearing(PART, subscribing, nothing, () => this.#refused(begun));
        },
      });
      around<object>(PART, owner, end, {
        before: (self, channels, listener, wrapper) =>
          this.#ends(this.#clientOf(self), begin, channels, listener, wrapper),
      });
    }
  }

  #begins(client: Client, kind: string, channels: unknown, listener: Function, wrapper: Method): Resource[] {
    const kinds = this.#listening.get(client) ?? new Map<string, Listening>();
    this.#listening.set(client, kinds);
    const listening: Listening = kinds.get(kind) ?? new Map();
    kinds.set(kind, listening);
    const ref = new WeakRef(client);
    const isGone = () => ref.deref()?.isOpen !== true;
    const begun: Resource[] = [];
    for (const channel of [channels].flat()) {
      const listeners = listening.get(String(channel)) ?? new Map<unknown, Resource>();
      listening.set(String(channel), listeners);
      if (listeners.get(listener)?.closed === false) continue;
      const request = this.#desk.ask(this.#source, wrapper);
      // whoever adds one is done with it at once
      request.mark = null;
      const owner = this.#ownerOf(client) ?? null;
      const resource = this.#desk.open(request, {
        ...{ owner, bond: 'ends with it', isGone, leadsTo: () => `${kind} ${channel}` },
        ...this.#desk.surroundings(),
      });
      listeners.set(listener, resource);
      begun.push(resource);
    }
    return begun;
  }

  /** The client does not keep them then. */
  #refused(begun: readonly Resource[]): void {
    for (const resource of begun) if (!resource.closed) this.#desk.ledger.forget(resource, now());
  }

  /** Without a channel all are meant, and without a listener all of the channel. */
  #ends(client: Client, kind: string, channels: unknown, listener: unknown, wrapper: Method): void {
    const listening = this.#listening.get(client)?.get(kind);
    if (!listening) return;
    for (const channel of channels === undefined ? [...listening.keys()] : [channels].flat().map(String)) {
      const listeners = listening.get(channel);
      for (const [own, resource] of listeners ?? []) {
        if (listener !== undefined && own !== listener) continue;
        listeners?.delete(own);
        if (!resource.closed) this.#desk.close(resource, wrapper);
      }
      if (listeners?.size === 0) listening.delete(channel);
    }
  }
}
