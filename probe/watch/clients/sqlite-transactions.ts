/**
 * Transactions of better-sqlite3 that the service begins by `exec`; SQLite itself says whether a database is in one. What
 * `transaction()` makes ends its own on every path.
 *
 * False negatives: one that is begun by a prepared statement, and the second of two in one text.
 */
import type { Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import type { Desk } from '../desk.ts';

const PART = 'better-sqlite3' satisfies AdapterName;

interface Database {
  readonly inTransaction: boolean;
}

interface Before {
  wasIn: boolean;
  wrapper: Method;
}

export class Transactions {
  readonly #desk: Desk;
  readonly #source: Source;
  readonly #latest: WeakMap<object, Resource> = new WeakMap();

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#source = desk.source({ adapter: PART, nature: 'begun transaction', library: `${PART} transaction` });
  }

  /** `resourceOf`: of a database, null when it is nobody's that is known. */
  watch(prototype: object, resourceOf: (database: object) => Resource | null): void {
    around<Database, Before>(PART, prototype, 'exec', {
      before: (database, _, __, wrapper) => ({ wasIn: database.inTransaction, wrapper }),
      // a text may begin one and throw
      finally: (database, before) => {
        if (before === undefined || before.wasIn === database.inTransaction) return;
        this.#ended(database, before.wrapper);
        if (!before.wasIn) this.#began(database, before.wrapper, resourceOf(database));
      },
    });
  }

  #began(database: Database, wrapper: Method, owner: Resource | null): void {
    const request = this.#desk.ask(this.#source, wrapper);
    if (request.site !== null && this.#desk.isOfLibrary(request.site)) return;
    const weak = new WeakRef(database);
    const isGone = (): boolean => weak.deref()?.inTransaction !== true;
    this.#latest.set(database, this.#desk.open(request, { owner, bond: 'ends with it', ref: weak, isGone }));
    this.#desk.flows.enter(request.mark);
  }

  /** Also one that a prepared statement has ended since. */
  #ended(database: Database, wrapper: Method): void {
    const latest = this.#latest.get(database);
    if (latest?.closed === false) this.#desk.close(latest, wrapper);
  }
}
