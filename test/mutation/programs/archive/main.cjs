// Databases of better-sqlite3 for each tenant, rows that are read one by one, and transactions; jobs are scopes.
// held by nature: transfer, by its database, which is kept: any statement on that ends it
const { mkdtempSync } = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const Database = require('better-sqlite3');
const { scope } = require('outlive');
const run = require('../run.cjs');

const folder = mkdtempSync(path.join(__dirname, 'archive-'));
// weak, so that only what the program itself holds is held
const opened = [];
const readers = [];
const ledgers = Array.from({ length: 50 }, (_, n) => new Database(path.join(folder, `ledger-${n}.db`)));
const names = path.join(folder, 'names.db');
new Database(names).exec("create table names (name text); insert into names values ('Ann'), ('Bob')").close();

async function tenant(n) {
  const database = new Database(path.join(folder, `${n % 4}.db`)); // acquires: tenant
  opened.push(new WeakRef(database));
  try {
    database.exec('create table if not exists sums (n int)');
    database.prepare('insert into sums values (?)').run(n);
    if (n % 7 === 5) throw new Error('full');
  } finally {
    database.close(); // gives back: tenant
  }
}

async function page(n) {
  const reader = new Database(names); // acquires: rows
  readers.push(new WeakRef(reader));
  const rows = reader.prepare('select name from names').iterate(); // acquires: rows
  const { value } = rows.next();
  await sleep(n % 3);
  rows.return(); // gives back: rows
  if (isIdle(reader)) reader.close();
  return value;
}

function isIdle(database) {
  try {
    database.exec('select 1');
    return true;
  } catch {
    return false;
  }
}

async function transfer(n) {
  const ledger = ledgers[n];
  ledger.exec('begin'); // acquires: transfer
  try {
    ledger.exec('create table moved (n int)');
    await sleep(1);
    if (n % 6 === 2) throw new Error('refused');
    ledger.exec('commit'); // gives back: transfer
  } catch (error) {
    ledger.exec('rollback'); // gives back: transfer
    throw error;
  }
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await scope('tenant', () => tenant(n)).catch(() => {});
      await scope('page', () => page(n));
      await scope('transfer', () => transfer(n)).catch(() => {});
      await sleep(8);
    }
  },
  () => ({
    databases: opened.filter((ref) => ref.deref()?.open).length,
    rows: readers.filter((ref) => ref.deref()?.open).length,
    transactions: ledgers.filter(({ inTransaction }) => inTransaction).length,
  }),
);
