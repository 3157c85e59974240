/** One-shots that are to give up on something, left behind when that is over. */
import { describe, expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('time-outs.mjs');

describe.concurrent('time-outs', () => {
  test.runIf(FOLLOWS_FLOWS).each([
    ['forgotten', '// forgotten'],
    ['raced', '// raced'],
    ['aborted', '// of a signal'],
  ])('%s: found where they were set', async (situation, comment) => {
    const { report } = await probed(program, [situation]);
    expect(report.findings.map(placeOf)).toEqual([lineOf(program, comment)]);
    const [finding] = report.findings;
    expect(finding).toMatchObject({
      kind: 'timer',
      nature: 'time-out',
      certainty: 'likely',
      acquired: 20,
      released: 0,
    });
    // what the latest one waited for may still be there
    expect(finding?.count).toBeGreaterThan(15);
  });

  test('one that is cleared came back', async () => {
    const { report } = await probed(program, ['cleared']);
    expect(report.findings).toEqual([]);
    const { acquired, released } = watched(report, 'setTimeout');
    expect(released).toBe(acquired);
  });

  test.each([
    'cached',
    'waiting',
    'started',
    'watchdogs',
    'borrowing',
    'called back',
    'sent together',
    'not holding',
    'sessions',
    'of one helper',
    'asking the parent',
  ])('%s: still of use', async (situation) => {
    const { report } = await probed(program, [situation]);
    expect(report.findings.filter(({ kind }) => kind === 'timer')).toEqual([]);
  });
});
