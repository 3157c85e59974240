/**
 * pg clients that no pool made. Each is a lease of its own, from its connect to its end; one whose connection is lost is
 * over as well, since the server has its session back.
 *
 * A pool's own are not: pg-pool's are told by the call that makes them, those that other pools make by their stack, or by
 * being lent. False positives: what another pool's factory connects after an await, until that pool first lends it.
 */
import type { Request, Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';
import { OF_POOL, peerOf } from './peer.ts';
import { type Client, isDead } from './pg-client.ts';

const PART = 'pg' satisfies AdapterName;

interface Connecting {
  client: Client;
  request: Request;
}

export class BareClients {
  /** A pool of pg's is making a client right now. */
  isPooling = false;
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #opened: (client: Client, lease: Resource) => void;
  readonly #open: Map<Resource, WeakRef<Client>> = new Map();

  /** `opened`: told of each lease of a client without a pool. */
  constructor(desk: Desk, opened: (client: Client, lease: Resource) => void) {
    this.#desk = desk;
    this.#opened = opened;
    this.#source = desk.source({ adapter: PART, nature: 'lease', library: PART });
    this.#source.peers = () => this.#peers();
  }

  watch(prototype: object): void {
    const { flows } = this.#desk;
    const isSeen = around<Client, Connecting | null>(PART, prototype, '_connect', {
      before: (client, _, __, wrapper) => this.#ask(client, wrapper),
      callback: (callback, connecting) => (connecting ? this.#told(callback, connecting) : callback),
      call: (method, client, args, connecting) =>
        connecting ? flows.shed(method, client, args, connecting.request.mark) : Reflect.apply(method, client, args),
    });
    if (!isSeen) this.#desk.unseen('clients of pg without a pool', 'They have no _connect, by which they are watched.');
  }

  #ask(client: Client, wrapper: Method): Connecting | null {
    if (this.isPooling) return null;
    const request = this.#desk.ask(this.#source, wrapper);
    return request.site?.stack.some(({ file }) => OF_POOL.test(file)) ? null : { client, request };
  }

  /** pg calls back once it is connected, or not. It keeps the callback for the client's life, which must not keep the flow. */
  #told(callback: Method, connecting: Connecting): Method {
    const opens = (error: unknown, { client, request }: Connecting): void => {
      if (!error) this.#opens(client, request);
      else this.#desk.flows.failed(request.mark);
    };
    let own: [told: Method, connecting: Connecting] | null = [
      this.#desk.flows.bind(callback, connecting.request.mark),
      connecting,
    ];
    return function connected(this: unknown, error: unknown): unknown {
      const first = own;
      own = null;
      if (first) guarded(PART, opens, error, first[1]);
      return Reflect.apply(first?.[0] ?? callback, this, arguments);
    };
  }

  #opens(client: Client, request: Request): void {
    const weak = new WeakRef(client);
    const isGone = (): boolean => {
      const alive = weak.deref();
      return alive === undefined || isDead(alive);
    };
    const lease = this.#desk.open(request, { isGone });
    this.#desk.bare(client, lease);
    this.#open.set(lease, weak);
    this.#opened(client, lease);
  }

  *#peers() {
    for (const [resource, weak] of this.#open) {
      const client = weak.deref();
      if (resource.closed || !client) this.#open.delete(resource);
      else yield { resource, peer: peerOf(client, 'used') };
    }
  }
}
