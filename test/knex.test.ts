import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

// Who uses knex never sees tarn, its pool, and is rarely on the stack when knex borrows: the line named is the one that
// called knex.

const program = fixture('knex.mjs');
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const run = (...args: string[]) => probed(program, args, { env: { PG_URL: database.url } });
const lineAfter = (comment: string) => lineOf(program, comment).replace(/\d+$/, (line) => String(Number(line) + 1));
const told = ({ findings }: Report) =>
  findings.map((finding) => [placeOf(finding), finding.detector, finding.certainty, finding.count]);

test('a transaction that nobody can end any more is proven, at the line that began it', async () => {
  const { report } = await run('transactions', 'broken');
  expect(told(report)).toEqual([
    [lineOf(program, '// a transfer'), 'collected', 'proven', 4],
    [lineAfter('// a refund'), 'collected', 'proven', 4],
  ]);
  const [transfer] = report.findings;
  expect(transfer).toMatchObject({ kind: 'connection', library: 'knex', acquired: 20, released: 16 });
  expect(transfer?.site?.function).toBe('transfer');
  expect(transfer?.evidence.at(-1)).toMatch(/^Last done with it, .*: select /);
});

test('transactions that are ended are clean; their connections are pg clients, and are counted once', async () => {
  const { report } = await run('transactions');
  expect(report.findings).toEqual([]);
  expect(report.watched).toHaveLength(1);
  expect(watched(report, 'knex')).toEqual({ acquired: 60, released: 60 });
  expect(report.processes[0]?.adapters).toEqual(expect.arrayContaining(['tarn 3.1.2', 'knex 3.3.0']));
});

test('a stream that is abandoned keeps its connection', async () => {
  const { report } = await run('streams', 'broken');
  expect(told(report)).toEqual([[lineOf(program, '// a page'), 'outlived-scope', 'likely', 4]]);
});

test('a stream that is destroyed gives it back', async () => {
  const { report } = await run('streams');
  expect(report.findings).toEqual([]);
  expect(watched(report, 'knex')).toEqual({ acquired: 20, released: 20 });
});

test('when a pool is too small for its queries, the time-out names who holds it', async () => {
  const { report, stdout } = await run('exhausted');
  expect(stdout).toBe('KnexTimeoutError\n');
  expect(told(report)).toEqual([[lineOf(program, '// a report'), 'pool-exhausted', 'suspect', 2]]);
  const [{ evidence, holders } = {}] = report.findings;
  expect(evidence?.[0]).toMatch(
    /^1 acquire of pool test_\w+ timed out after .* ms, with 2 of 2 in use and 0 waiting\.$/,
  );
  expect(holders).toMatchObject([{ count: 2, busy: 2 }]);
});

test.runIf(FOLLOWS_FLOWS)('what is not of the transaction around it waits for ever, and is named', async () => {
  const { report } = await run('deadlock', 'broken');
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ detector: 'hold-and-wait', certainty: 'likely', count: 2 });
  const waiting = [lineOf(program, '// within'), lineOf(program, '// inside it')];
  expect(waiting).toContain(placeOf(finding!));
  const holding = finding!.holders.map(({ site }) => `${site!.file}:${site!.line}`);
  expect(holding.sort()).toEqual([lineAfter('// a transaction'), lineOf(program, '// the outer one')]);
});

test('what is of the transaction around it borrows nothing', async () => {
  const { report } = await run('deadlock');
  expect(report.findings).toEqual([]);
  expect(watched(report, 'knex')).toEqual({ acquired: 2, released: 2 });
});
