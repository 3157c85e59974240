/**
 * better-sqlite3 8 to 13: databases until they are closed, and the iterators of statements until they are read to their
 * end, returned, or throw. Both are made anew for each call. A database that was dropped unclosed holds its files until a
 * collection happens to come by; an iterator that was dropped locks its database for as long as that lives. A database in
 * memory is only memory, which goes with it: neither it nor its transactions are entered. Those that are begun by hand:
 * sqlite-transactions.ts.
 *
 * What a library that is watched opens for itself, such as the connection that knex keeps in its pool, is its own.
 */
import type { Known } from '../../account/resource.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onMade } from '../../process/on-made.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Entered } from '../handles/entered.ts';
import { loadedModule } from '../loaded.ts';
import { Clients, Folders, ownerOf } from './clients.ts';
import { onceFor, onRowsOver } from './row-iterators.ts';
import { Transactions } from './sqlite-transactions.ts';

const PART = 'better-sqlite3' satisfies AdapterName;

interface Database {
  readonly open: boolean;
  /** In memory, or in a file that is deleted with it. */
  readonly memory: boolean;
  readonly inTransaction: boolean;
}

interface Statement {
  readonly database: Database;
  /** One of its iterators is open: it has one at a time. */
  readonly busy: boolean;
}

interface Rows {
  /** None where the method is called for another object. */
  readonly statement?: Statement;
}

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const databases = new Clients<Database>(
    desk,
    { adapter: PART, nature: 'database', library: PART, hasEnded: ({ open }) => !open },
    folders,
  );
  const iterators = new Entered<Rows>(desk, {
    ...{ adapter: PART, nature: 'row iterator', library: `${PART} iterator` },
    hasEnded: () => false,
    isLostWithObject: true,
  });
  const opened = (database: Database, wrapper: Method): void => {
    if (database.memory) return;
    databases.made(database, wrapper);
    const weak = new WeakRef(database);
    const isGone = (): boolean => weak.deref()?.open === false;
    databases.opened(database, { handle: weak, isGone });
  };
  const resourceOf = (database: Database) => databases.resourceOf(database) ?? null;
  const transactions = new Transactions<Database>(desk, {
    ...{ adapter: PART, library: PART, isIn: ({ inTransaction, memory }) => inTransaction && !memory },
  });
  const ofDatabase = new WeakMap<Database, Known>();
  const iterates = (rows: Rows, { database }: Statement, wrapper: Method): void => {
    const request = iterators.asked(wrapper);
    if (request.site !== null && desk.isOfLibrary(request.site)) return;
    const known = ofDatabase.get(database) ?? { owner: resourceOf(database), ...lockOf(database) };
    ofDatabase.set(database, known);
    iterators.enter(request, rows, known);
  };
  const ended = (rows: Rows, wrapper: Method): void => {
    if (rows.statement?.busy === false) iterators.closed(rows, wrapper);
  };
  const watchRows = onceFor((prototype) => onRowsOver(PART, prototype, ended));
  const watchStatements = onceFor((prototype) => {
    around<Statement>(PART, prototype, 'iterate', {
      after: (statement, rows: Rows, _, wrapper) => {
        watchRows(ownerOf(rows, 'next'));
        iterates(rows, statement, wrapper);
      },
    });
  });
  return {
    'better-sqlite3'({ prototype }, file) {
      const module = loadedModule(file);
      if (!module) {
        desk.unseen(PART, 'It was loaded by another loader than Node’s own: nothing of it was seen.');
        return;
      }
      folders.add(file);
      onMade<Database>(PART, module, 'exports', opened);
      // after the call, which is refused while an iterator is open
      around<Database>(PART, prototype, 'close', {
        after: (database, _, __, wrapper) => databases.closed(database, wrapper),
      });
      transactions.watch(prototype, resourceOf);
      around(PART, prototype, 'prepare', {
        after: (_, statement: Statement) => watchStatements(ownerOf(statement, 'iterate')),
      });
    },
  };
}

/** Of an iterator: what was dropped with its database locks nothing any more. */
function lockOf(database: Database): Known {
  const weak = new WeakRef(database);
  return { bond: 'ends with it', isGone: () => weak.deref()?.open !== true };
}
