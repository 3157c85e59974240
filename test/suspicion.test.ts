import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { fixture, lineOf, placeOf, probed } from './support/probed.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test('without any budget for stacks, suspicion alone finds the line: an aged lease arms its pool', async () => {
  const program = fixture('busy.mjs');
  const { report, stdout } = await probed(program, [], { env: { OUTLIVE_STACKS: '0' } });
  const [, borrowed, writes] = /borrowed (\d+) of (\d+)/.exec(stdout) ?? [];
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// careless')]);
  const [finding] = report.findings;
  expect(finding?.estimated).toBe(true);
  expect(finding?.count).toBe(Number(borrowed));
  // scaled up from the acquires that had a stack
  expect(finding?.acquired).toBeGreaterThan(Number(writes) * 0.7);
  expect(finding?.acquired).toBeLessThan(Number(writes) * 1.3);
});

test('… and so does a time-out without a line: the next ones have theirs', async () => {
  const program = fixture('too-small.mjs');
  const { report } = await probed(program, [], { env: { OUTLIVE_STACKS: '0' } });
  expect(report.findings).toMatchObject([{ detector: 'pool-exhausted', certainty: 'suspect' }]);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// asks')]);
});

test('the evidence tells what the leaking ones have in common, and what was done with them last', async () => {
  const { report } = await probed(fixture('early-return.mjs'), [], { env: { PG_URL: database.url } });
  expect(report.findings[0]?.evidence).toEqual(
    expect.arrayContaining([
      'Returned early: at most 1 operation on each, where those that came back did 3.0 on average.',
      expect.stringMatching(/^Last done with it, .*after it was acquired: select \?::int as stock, \? as secret$/),
    ]),
  );
});
