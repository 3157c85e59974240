/**
 * Connections of mysql and mysql2 that no pool of theirs made. Each is a lease of its own, from when it is made (mysql:
 * from its connect) to its end; one that is lost is over as well, since the server has its session back.
 *
 * False positives: what another pool's factory connects after an await, until that pool first lends it.
 */
import type { Resource, Source } from '../../../account/ledger.ts';
import { around, type Method } from '../../../process/around.ts';
import { onFirstSet } from '../../../process/first-set.ts';
import type { Desk } from '../../desk.ts';
import { OF_POOL, peerOf } from '../peer.ts';
import { type Connection, isBusy, isDead, ownerOf, textOf } from './driver.ts';

export class BareConnections {
  readonly #part: 'mysql' | 'mysql2';
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #lent: WeakMap<object, Resource> = new WeakMap();
  readonly #open: Map<Resource, WeakRef<Connection>> = new Map();

  constructor(desk: Desk, part: 'mysql' | 'mysql2') {
    this.#part = part;
    this.#desk = desk;
    this.#source = desk.source({ adapter: part, nature: 'lease', library: part });
    this.#source.peers = () => this.#peers();
  }

  /** `pooled`: the prototype of those that pools make, which are none of these. */
  watch(prototype: object, pooled: object): void {
    const part = this.#part;
    const isPooled = (connection: object): boolean => Object.prototype.isPrototypeOf.call(pooled, connection);
    const made = (connection: Connection, wrapper: Method): void => {
      if (!isPooled(connection) && connection.config?.isServer !== true) this.#made(connection, wrapper);
    };
    // mysql2 connects in its constructor
    if (part === 'mysql2') {
      const owner = ownerOf(prototype, 'query');
      onFirstSet<Connection>(part, owner, '_internalId', (connection, _, setter) => made(connection, setter));
    } else around<Connection>(part, prototype, 'connect', { before: (own, _, __, wrapper) => made(own, wrapper) });
    for (const method of ['end', 'destroy', 'close']) {
      around<Connection>(part, ownerOf(prototype, method), method, {
        before: (connection, _, __, wrapper) => this.#ends(connection, wrapper),
      });
    }
    for (const method of ['query', 'execute']) {
      around<Connection>(part, ownerOf(prototype, method), method, {
        before: (connection, statement) => this.#use(connection, textOf(statement)),
      });
    }
  }

  #made(connection: Connection, wrapper: Method): void {
    if (this.#lent.has(connection)) return;
    const request = this.#desk.ask(this.#source, wrapper);
    if (request.site?.stack.some(({ file }) => OF_POOL.test(file))) return;
    const weak = new WeakRef(connection);
    const isGone = (): boolean => {
      const alive = weak.deref();
      return alive === undefined || isDead(alive);
    };
    const lease = this.#desk.open(request, { ref: weak, isGone, isBusy: isBusy(weak) });
    this.#desk.flows.enter(request.mark);
    this.#desk.bare(connection, lease);
    this.#lent.set(connection, lease);
    this.#open.set(lease, weak);
  }

  #use(connection: Connection, statement: string | null): void {
    const lease = this.#lent.get(connection);
    if (lease && !lease.closed) this.#desk.use(lease, statement);
  }

  #ends(connection: Connection, wrapper: Method): void {
    const lease = this.#lent.get(connection);
    if (lease && !lease.closed) this.#desk.close(lease, wrapper);
  }

  *#peers() {
    for (const [resource, weak] of this.#open) {
      const connection = weak.deref();
      if (resource.closed || !connection) this.#open.delete(resource);
      else yield { resource, peer: peerOf(connection, 'used') };
    }
  }
}
