/**
 * Transactions of SQLite that the service begins by `exec`; SQLite itself says whether a database is in one. What
 * `transaction()` of better-sqlite3 makes ends its own on every path.
 *
 * False negatives: one that is begun by a prepared statement, and the second of two in one text.
 */
import type { Resource, Source } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import type { Desk } from '../desk.ts';

interface Before {
  wasIn: boolean;
  wrapper: Method;
}

export interface TransactionsFacts<Database> {
  readonly adapter: AdapterName;
  readonly library: string;
  isIn(database: Database): boolean;
}

export class Transactions<Database extends object> {
  readonly #desk: Desk;
  readonly #facts: TransactionsFacts<Database>;
  readonly #source: Source;
  readonly #latest: WeakMap<object, Resource> = new WeakMap();

  constructor(desk: Desk, facts: TransactionsFacts<Database>) {
    const { adapter, library } = facts;
    this.#desk = desk;
    this.#facts = facts;
    this.#source = desk.source({ adapter, nature: 'begun transaction', library: `${library} transaction` });
  }

  /** `resourceOf`: of a database, null when it is nobody's that is known. */
  watch(prototype: object, resourceOf: (database: Database) => Resource | null): void {
    const { adapter, isIn } = this.#facts;
    around<Database, Before>(adapter, prototype, 'exec', {
      before: (database, _, __, wrapper) => ({ wasIn: isIn(database), wrapper }),
      // a text may begin one and throw
      finally: (database, before) => {
        if (before === undefined || before.wasIn === isIn(database)) return;
        this.#ended(database, before.wrapper);
        if (!before.wasIn) this.#began(database, before.wrapper, resourceOf(database));
      },
    });
  }

  #began(database: Database, wrapper: Method, owner: Resource | null): void {
    const request = this.#desk.ask(this.#source, wrapper);
    if (request.site !== null && this.#desk.isOfLibrary(request.site)) return;
    const weak = new WeakRef(database);
    const { isIn } = this.#facts;
    const isGone = (): boolean => {
      const alive = weak.deref();
      return alive === undefined || !isIn(alive);
    };
    this.#latest.set(database, this.#desk.open(request, { owner, bond: 'ends with it', ref: weak, isGone }));
    this.#desk.flows.enter(request.mark);
  }

  /** Also one that a prepared statement has ended since. */
  #ended(database: Database, wrapper: Method): void {
    const latest = this.#latest.get(database);
    if (latest?.closed === false) this.#desk.close(latest, wrapper);
  }
}
