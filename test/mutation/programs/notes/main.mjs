// The same by node:sqlite: databases, and rows that are read one by one; no scopes.
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const folder = mkdtempSync(path.join(import.meta.dirname, 'notes-'));
// weak, so that only what the program itself holds is held
const opened = [];
let rowsOut = 0;
const names = new DatabaseSync(path.join(folder, 'names.db'));
names.exec("create table names (name text); insert into names values ('Ann'), ('Bob')");
const all = names.prepare('select name from names');

async function tenant(n) {
  const database = new DatabaseSync(path.join(folder, `${n % 4}.db`)); // acquires: tenant
  opened.push(new WeakRef(database));
  database.exec('create table if not exists sums (n int)'); // acquires: tenant
  if (n % 5 === 3) {
    database.close(); // gives back: tenant
    return;
  }
  database.prepare('insert into sums values (?)').run(n);
  await sleep(1);
  database.close(); // gives back: tenant
}

async function first(n) {
  const rows = names.prepare('select name from names').iterate(); // acquires: rows
  rowsOut++;
  const { value } = rows.next();
  await sleep(n % 3);
  rows.return(); // gives back: rows
  if (rows.next().done) rowsOut--;
  return value;
}

run(
  async () => {
    for (let n = 0; n < 50; n++) {
      await Promise.all([tenant(n), first(n)]);
      all.all();
      await sleep(8);
    }
  },
  () => ({
    databases: opened.filter((ref) => ref.deref()?.isOpen).length,
    rows: rowsOut,
  }),
);
