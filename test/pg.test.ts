import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('pg.mjs');
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test('clients that are not released are found, whether they were asked for by promise or callback', async () => {
  const { report } = await probed(program, ['leak'], { env: { PG_URL: database.url } });
  const found = report.findings.map((finding) => [placeOf(finding), finding.count, finding.acquired, finding.released]);
  const [file, line] = lineOf(program, '// by callback').split(':');
  expect(found).toEqual([
    [lineOf(program, '// by promise'), 4, 20, 16],
    [`${file}:${Number(line) + 1}`, 2, 20, 18],
  ]);
  expect(report.findings[0]).toMatchObject({ library: 'pg', pool: 'orders', certainty: 'proven' });
});

test('what the pool itself borrows, to end a client that is too old, is no lease', async () => {
  const env = { PG_URL: database.url, OUTLIVE_STACKS: '0' };
  const { report, stdout } = await probed(fixture('pg-expired.mjs'), [], { env });
  expect(stdout).toBe('0\n');
  expect(watched(report, 'pg')).toEqual({ acquired: 100, released: 100 });
});

test('a client that comes back in a transaction is seen, though neither its lease nor the statement was', async () => {
  const env = { PG_URL: database.url, OUTLIVE_STACKS: '0' };
  const { report } = await probed(fixture('pg-unseen-begin.mjs'), [], { env });
  expect(report.findings).toMatchObject([{ nature: 'transaction', library: 'pg', count: 3 }]);
});

test('what is called without its client throws as it does, and the others are watched on', async () => {
  const { report, stdout } = await probed(fixture('pg-unbound.mjs'), [], { env: { PG_URL: database.url } });
  expect(stdout).toBe('TypeError\nTypeError\n');
  expect(report.findings).toMatchObject([{ library: 'pg', count: 2 }]);
});

test('pool.query borrows and gives back by itself; the fixed program is clean after the same work', async () => {
  const { report, code } = await probed(program, ['clean'], { env: { PG_URL: database.url } });
  expect(code).toBe(0);
  expect(report.findings).toEqual([]);
  expect(watched(report, 'pg')).toEqual({ acquired: 80, released: 80 });
  expect(report.processes[0]?.adapters).toEqual(expect.arrayContaining(['pg-pool 3.14.0', 'pg 8.23.1']));
});

test('what a pool says itself to a client that it lends is not left by its borrower, though that is only counted', async () => {
  const env = { PG_URL: database.url, OUTLIVE_STACKS: '0' };
  const { report } = await probed(fixture('pg-on-acquire.mjs'), [], { env });
  expect(report.findings).toEqual([]);
  expect(watched(report, 'pg')).toEqual({ acquired: 600, released: 600 });
});
