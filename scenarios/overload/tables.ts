/** What the load works on, and where it leaves a trace of each transaction. */
import type { Session } from '../../pipeline/store/store.ts';
import { table } from '../../pipeline/store/tables.ts';
import { insertNew } from '../../pipeline/store/upsert.ts';

const TABLES = [
  // what a transaction reads
  table(({ name, integer }) => `create table load_assets (id ${integer} primary key, job ${name}, weight ${integer})`),
  // one row for each transaction that is done …
  table(
    ({ name, integer }) =>
      `create table load_done (job ${name}, lane ${integer}, ordinal ${integer}, primary key (job, lane, ordinal))`,
  ),
  // … and how many its lane has done, counted up in the same transaction
  table(
    ({ name, integer }) =>
      `create table load_lanes (job ${name}, lane ${integer}, done ${integer}, primary key (job, lane))`,
  ),
];

/** For one job. */
const ASSETS = 200;

export async function createLoadTables(session: Session, jobs: readonly string[], lanes: number): Promise<void> {
  await session.createTables(TABLES);
  const assets = jobs.flatMap((job, j) =>
    Array.from({ length: ASSETS }, (_, n) => [j * ASSETS + n, job, (n * 37) % 101]),
  );
  await session.executeMany(insertNew('load_assets', { id: 'integer' }, { job: 'text', weight: 'integer' }), assets);
  const rows = jobs.flatMap((job) => Array.from({ length: lanes }, (_, lane) => [job, lane, 0]));
  await session.executeMany(insertNew('load_lanes', { job: 'text', lane: 'integer' }, { done: 'integer' }), rows);
}

export const READ =
  'select count(*) as assets, sum(weight) as weight, max(weight) as heaviest from load_assets where job = $1';
export const NOTE_DONE = 'insert into load_done (job, lane, ordinal) values ($1, $2, $3)';
export const COUNT_DONE = 'update load_lanes set done = done + 1 where job = $1 and lane = $2';
export const DONE_BEFORE = 'select ordinal from load_done where job = $1 and lane = $2';

export interface Kept {
  /** Transactions that left their row. */
  done: number;
  /** What the lanes counted: more is work that was done twice, fewer is work that was lost. */
  counted: number;
}

export async function keptBy(session: Session): Promise<Kept> {
  const [rows] = await session.query<{ n: string | number }>('select count(*) as n from load_done');
  const [lanes] = await session.query<{ n: string | number }>('select sum(done) as n from load_lanes');
  return { done: Number(rows?.n), counted: Number(lanes?.n) };
}
