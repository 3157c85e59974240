import Database from 'better-sqlite3';
import { errorOf, ownOf } from './outcomes.mjs';

export async function open() {
  const db = new Database(':memory:');
  db.exec('create table notes (id integer primary key, text)');
  return { db };
}

export async function close() {}

export const documented = {
  'a database': ({ db }) => [db.open, db.inTransaction, db.name, db.memory, db.readonly, db.constructor === Database],
  'without new': () => Database(':memory:') instanceof Database,
  'names and arities': ({ db }) => [Database, db.prepare, db.exec, db.transaction, db.pragma, db.close, db.iterate],
  'own properties': ({ db }) => [ownOf(db), ownOf(db.prepare('select 1'))],
  'run, get, all': ({ db }) => [
    db.prepare('insert into notes (text) values (?)').run('a'),
    db.prepare('insert into notes (text) values (@text)').run({ text: 'b' }),
    db.prepare('select * from notes where id = ?').get(1),
    db.prepare('select * from notes where id = ?').get(99),
    db.prepare('select text from notes').all(),
  ],
  iterate: ({ db }) => [...db.prepare('select text from notes').iterate()],
  'an iterator that is left early': ({ db }) => {
    for (const row of db.prepare('select text from notes').iterate()) if (row) break;
    return db.prepare('select count(*) as n from notes').get();
  },
  'a database is busy while one iterates': async ({ db }) => {
    const rows = db.prepare('select text from notes').iterate();
    const first = rows.next();
    const error = await errorOf(() => db.exec('delete from notes'));
    return [first, error, rows.return(), rows[Symbol.iterator]() === rows, Object.prototype.toString.call(rows)];
  },
  'pluck, expand, raw, columns, bind': ({ db }) => [
    db.prepare('select text from notes').pluck().all(),
    db.prepare('select 1 as a').expand().get(),
    db.prepare('select 1, 2').raw().get(),
    db.prepare('select text from notes').columns(),
    db.prepare('select ? as a').bind(7).get(),
  ],
  'errors have codes': async ({ db }) => [
    await errorOf(() => db.prepare('selekt')),
    await errorOf(() => db.exec('insert into notes (id) values (1)')),
    await errorOf(() => db.prepare('select ?').get()),
    await errorOf(() => db.prepare('insert into notes (text) values (1)').all()),
  ],
  'exec and pragma give': ({ db }) => [db.exec('select 1') === db, db.pragma('user_version', { simple: true })],
  'a transaction is committed': ({ db }) => {
    const add = db.transaction((...texts) => {
      for (const text of texts) db.prepare('insert into notes (text) values (?)').run(text);
      return [db.inTransaction, texts.length];
    });
    return [add('x', 'y'), add.immediate('z'), ownOf(add), add, add.deferred, db.inTransaction];
  },
  'a transaction is rolled back': async ({ db }) => {
    const failing = db.transaction(() => {
      db.exec('delete from notes');
      throw new RangeError('no');
    });
    return [await errorOf(failing), db.prepare('select count(*) as n from notes').get(), db.inTransaction];
  },
  'transactions within transactions': ({ db }) => {
    const inner = db.transaction(() => {
      throw new RangeError('inner');
    });
    return db.transaction(() => {
      try {
        inner();
      } catch (error) {
        return [error.message, db.inTransaction];
      }
    })();
  },
  'begin by hand': ({ db }) => {
    db.exec('begin');
    const { inTransaction } = db;
    db.exec('rollback');
    return [inTransaction, db.inTransaction];
  },
  'functions and aggregates': ({ db }) => {
    db.function('twice', (n) => n * 2);
    db.aggregate('longest', { start: '', step: (best, text) => (text.length > best.length ? text : best) });
    return db.prepare('select twice(4) as a, (select longest(text) from notes) as b').get();
  },
  'big integers': ({ db }) => db.prepare('select 9007199254740993 as n').safeIntegers().get(),
  serialize: ({ db }) => new Database(db.serialize()).prepare('select count(*) as n from notes').get(),
  'a closed one': async ({ db }) => [
    db.close() === db,
    db.open,
    await errorOf(() => db.prepare('select 1')),
    db.close().open,
  ],
};
