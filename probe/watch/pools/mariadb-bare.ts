/**
 * Connections of mariadb that no pool made. Each is a lease of its own, from when it begins to connect to its end; one
 * that is lost, or that never came up, is over as well.
 *
 * Only what the service's own code asked for is one: a mapper keeps its connections itself.
 *
 * False positives: what another pool's factory connects after an await.
 * False negatives: those for which no stack was taken.
 */
import type { Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { OF_POOL, peerOf } from './peer.ts';

const PART = 'mariadb' satisfies AdapterName;
/** From this status on no answer comes any more. */
const TERMINATING = 6;
/** As ES modules, what calls `connect`; as a CommonJS module its name is another. */
const MAKER = /\bcreateConnection$/;
const OWN = /[\\/]node_modules[\\/]mariadb[\\/]/;

interface Connection {
  status: number;
}

export class BareConnections {
  /** As a CommonJS module: the library's function is being called right now. */
  isMaking = false;
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #lent: WeakMap<object, Resource> = new WeakMap();
  readonly #met: WeakSet<object> = new WeakSet();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#source = desk.source({ adapter: PART, nature: 'lease', library: PART });
    this.#source.peers = () => this.#peers();
  }

  watch(prototype: object): void {
    if (this.#met.has(prototype)) return;
    this.#met.add(prototype);
    around<Connection>(PART, prototype, 'connect', {
      before: (connection, _, __, wrapper) => this.made(connection, wrapper),
    });
    for (const method of ['end', 'destroy']) {
      around<Connection>(PART, prototype, method, {
        before: (connection, _, __, wrapper) => this.#ends(connection, wrapper),
      });
    }
  }

  /** By a call to `wrapper`, which is the connection's `connect`, or the function that makes one. */
  made(connection: Connection, wrapper: Method): void {
    if (this.#lent.has(connection)) return;
    const request = this.#desk.ask(this.#source, wrapper);
    const { stack = [] } = request.site ?? {};
    if (!this.isMaking && !MAKER.test(stack[0]?.function ?? '')) return;
    const caller = stack.find(({ file }) => !OWN.test(file));
    if (caller?.user !== true || stack.some(({ file }) => OF_POOL.test(file))) return;
    const ref = new WeakRef(connection);
    const isGone = (): boolean => (ref.deref()?.status ?? TERMINATING) >= TERMINATING;
    const lease = this.#desk.open(request, { ref, isGone });
    this.#desk.flows.enter(request.mark);
    this.#lent.set(connection, lease);
  }

  use(connection: object, statement: string): void {
    const lease = this.#lent.get(connection);
    if (lease && !lease.closed) this.#desk.use(lease, statement);
  }

  #ends(connection: Connection, wrapper: Method): void {
    const lease = this.#lent.get(connection);
    if (lease && !lease.closed) this.#desk.close(lease, wrapper);
  }

  *#peers() {
    for (const { open } of this.#source.accounts.values()) {
      for (const resource of open) {
        const connection = resource.ref?.deref();
        if (connection) yield { resource, peer: peerOf(connection, 'used') };
      }
    }
  }
}
