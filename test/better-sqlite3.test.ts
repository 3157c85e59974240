/** From Node.js 22 on, as its newest version runs. Databases in files, one per job: clients.test.ts. Here, what jobs leave open on databases that are kept for life. */
import { expect, test } from 'vitest';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('sqlite.cjs');
const run = async (variant: string) => {
  const ended = await probed(program, [variant], { env: { OUTLIVE_GRACE_MS: '100' } });
  expect(ended).toMatchObject({ code: 0, stdout: 'true\n', stderr: '' });
  expect(ended.report.processes.map(({ faults }) => faults)).not.toContain(1);
  return ended.report;
};

test.skipIf(NODE_MAJOR < 22)(
  'a transaction that is never ended and an iterator that is abandoned are found where they were begun',
  async () => {
    const { findings } = await run('leak');
    const found = findings.map((finding) => [placeOf(finding), finding.library, finding.count, finding.certainty]);
    expect(found).toEqual([
      [lineOf(program, '// abandoned'), 'better-sqlite3 iterator', 6, 'proven'],
      [lineOf(program, '// begun by hand'), 'better-sqlite3 transaction', 6, 'likely'],
    ]);
  },
);

test.skipIf(NODE_MAJOR < 22)(
  'an iterator ends in many ways; databases that are kept, and those in memory that are dropped, are silent',
  async () => {
    const report = await run('clean');
    expect(report.findings).toEqual([]);
    expect(watched(report, 'better-sqlite3 iterator')).toEqual({ acquired: 84, released: 84 });
  },
);
