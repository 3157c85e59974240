/** node:sqlite, from Node.js 22 on: what jobs leave open, and in how many ways it ends. */
import { expect, test } from 'vitest';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('node-sqlite.cjs');
const run = async (variant: string) => {
  const ended = await probed(program, [variant], { env: { OUTLIVE_GRACE_MS: '100' } });
  expect(ended).toMatchObject({ code: 0, stdout: 'true true\n', stderr: '' });
  return ended.report;
};

test.skipIf(NODE_MAJOR < 22)('databases, transactions and iterators are found where they were made', async () => {
  const { findings } = await run('leak');
  const found = findings.map((finding) => [placeOf(finding), finding.library, finding.count, finding.certainty]);
  expect(found.sort()).toEqual(
    [
      [lineOf(program, '// abandoned'), 'node:sqlite iterator', 6, 'proven'],
      [lineOf(program, '// begun by hand'), 'node:sqlite transaction', 6, 'likely'],
      [lineOf(program, '// kept'), 'node:sqlite', 6, 'likely'],
    ].sort(),
  );
});

test.skipIf(NODE_MAJOR < 22)('an iterator ends in many ways, and a database that is closed is silent', async () => {
  const report = await run('clean');
  expect(report.findings).toEqual([]);
  // one that is closed does not even say whether it is in a transaction
  expect(report.processes[0]?.faults).toBe(0);
  expect(watched(report, 'node:sqlite iterator')).toEqual({ acquired: 84, released: 84 });
});
