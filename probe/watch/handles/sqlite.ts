/**
 * node:sqlite: databases until they are closed, the iterators of statements until they are read to their end, returned,
 * or throw, or their statement is run again; transactions that `exec` begins. As of better-sqlite3, one that was dropped
 * unclosed keeps its files, or its lock, until a collection happens to come by.
 *
 * Nothing tells that the module is loaded. Whoever has taken the class out of it by then, as CommonJS modules do that
 * unpack it, makes databases unseen: each is met when it is first used, and entered at the line of that. Errs: what is
 * opened and never used, or within the first milliseconds of a program, is not seen.
 */
import { syncBuiltinESMExports } from 'node:module';
import type { Request } from '../../account/ledger.ts';
import { testOf } from '../../account/scope.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onMade } from '../../process/on-made.ts';
import { Clients, Folders, ownerOf } from '../clients/clients.ts';
import { onceFor, onRowsOver } from '../clients/row-iterators.ts';
import { Transactions } from '../clients/sqlite-transactions.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'node-sqlite' satisfies AdapterName;
const LIBRARY = 'node:sqlite';
/** By which a database is first used. */
const USES = ['exec', 'prepare', 'createTagStore', 'function', 'createSession', 'loadExtension'];
/** What ends the iterator that a statement had. */
const RUNS = ['iterate', 'all', 'get', 'run'];

interface Database {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  /** Null: in memory. */
  location(): string | null;
}

interface Statement {
  /** Throws once it is finalized. */
  readonly sourceSQL: string;
}

interface Sqlite {
  DatabaseSync: { prototype: object };
  StatementSync: { prototype: object };
}

/** Once it is loaded. */
export function watchSqlite(desk: Desk): void {
  const made = watchDatabases(desk);
  if (made === null) return;
  onMade(PART, sqlite(), 'DatabaseSync', made);
  // what has imported the class gets the one that tells
  syncBuiltinESMExports();
}

/** Returns what is to be told of each that is made, or null where nothing can be seen of them. */
export function watchDatabases(desk: Desk): ((database: object, wrapper: Method) => void) | null {
  const { DatabaseSync, StatementSync } = sqlite();
  if (!Object.hasOwn(DatabaseSync.prototype, 'location')) {
    desk.unseen(LIBRARY, 'Its databases do not say where they are before Node.js 22.16: nothing of it was seen.');
    return null;
  }
  const databases = new Databases(desk);
  databases.watch(DatabaseSync.prototype);
  databases.watchStatements(StatementSync.prototype);
  return (database, wrapper) => databases.opened(database as Database, wrapper);
}

const sqlite = () => process.getBuiltinModule('node:sqlite') as unknown as Sqlite;

class Databases {
  readonly #databases: Clients<Database>;
  readonly #iterators: Entered<object>;
  readonly #transactions: Transactions<Database>;
  readonly #known: WeakSet<Database> = new WeakSet();
  /** Of which database a statement is, and which iterator it has. */
  readonly #databaseOf: WeakMap<object, WeakRef<Database>> = new WeakMap();
  readonly #rowsOf: WeakMap<object, WeakRef<object>> = new WeakMap();

  constructor(desk: Desk) {
    const facts = { adapter: PART, library: LIBRARY } as const;
    this.#databases = new Clients<Database>(
      desk,
      { ...facts, nature: 'database', hasEnded: ({ isOpen }) => !isOpen },
      new Folders(),
    );
    this.#iterators = new Entered<object>(desk, {
      ...{ adapter: PART, nature: 'row iterator', library: `${LIBRARY} iterator` },
      hasEnded: () => false,
      isLostWithObject: true,
    });
    this.#transactions = new Transactions(desk, {
      ...facts,
      // a closed one throws when it is asked
      isIn: (database) => database.isOpen && database.isTransaction && isInFile(database),
    });
  }

  /** It is made open, or opened. */
  opened(database: Database, wrapper: Method): void {
    this.#met(database, this.#databases.ask(wrapper));
  }

  /** It is used before it is known: of which test it is, if of any, nobody can say. */
  #used(database: Database, wrapper: Method): void {
    if (this.#known.has(database)) return;
    const request = this.#databases.ask(wrapper);
    this.#met(database, testOf(request.scope) === null ? request : { ...request, scope: null });
  }

  #met(database: Database, request: Request): void {
    if (this.#known.has(database) || !database.isOpen) return;
    this.#known.add(database);
    if (!isInFile(database)) return;
    const weak = new WeakRef(database);
    const isGone = (): boolean => weak.deref()?.isOpen === false;
    this.#databases.madeBy(database, request);
    this.#databases.opened(database, { handle: weak, isGone });
  }

  watch(prototype: object): void {
    for (const use of USES) {
      around<Database>(PART, prototype, use, { before: (database, _, __, wrapper) => this.#used(database, wrapper) });
    }
    around<Database>(PART, prototype, 'open', { after: (database, _, __, wrapper) => this.opened(database, wrapper) });
    around<Database>(PART, prototype, 'close', {
      after: (database, _, __, wrapper) => {
        this.#known.delete(database);
        this.#databases.closed(database, wrapper);
      },
    });
    around<Database>(PART, prototype, 'prepare', {
      after: (database, statement: object) => this.#databaseOf.set(statement, new WeakRef(database)),
    });
    this.#transactions.watch(prototype, (database) => this.#databases.resourceOf(database) ?? null);
  }

  watchStatements(prototype: object): void {
    const watchRows = onceFor((rows) =>
      onRowsOver<object>(PART, rows, (self, wrapper) => this.#iterators.closed(self, wrapper)),
    );
    for (const run of RUNS) {
      around<object>(PART, prototype, run, {
        before: (statement, _, __, wrapper) => {
          const rows = this.#rowsOf.get(statement)?.deref();
          if (rows) this.#iterators.closed(rows, wrapper);
        },
      });
    }
    around<object>(PART, prototype, 'iterate', {
      after: (statement, rows: object, _, wrapper) => {
        watchRows(ownerOf(rows, 'next'));
        this.#iterates(statement, rows, wrapper);
      },
    });
  }

  #iterates(statement: object, rows: object, wrapper: Method): void {
    const request = this.#iterators.askedByUser(wrapper);
    if (!request) return;
    this.#rowsOf.set(statement, new WeakRef(rows));
    const database = this.#databaseOf.get(statement)?.deref();
    const owner = (database && this.#databases.resourceOf(database)) ?? null;
    const weak = new WeakRef(statement as Statement);
    this.#iterators.enter(request, rows, { owner, bond: 'ends with it', isGone: () => isFinalized(weak.deref()) });
  }
}

/** One in memory is only memory, which goes with it. */
function isInFile(database: Database): boolean {
  return database.location() !== null;
}

/** Its database was closed, or what was dropped was collected. */
function isFinalized(statement: Statement | undefined): boolean {
  try {
    return statement?.sourceSQL === undefined;
  } catch {
    return true;
  }
}
