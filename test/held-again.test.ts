/** A thread that was told not to hold the process open, and does so again: found when it is all that does. */
import { expect, test } from 'vitest';
import { fixture, lineOf, placeOf, probed } from './support/probed.ts';

const program = fixture('held-again.cjs');
const run = (variant: string) => probed(program, [variant], { env: { OUTLIVE_GRACE_MS: '200', OUTLIVE_SIGNALS: '1' } });

test.concurrent.each(['broken', 'signal'])(
  'a listener that is added after unref() holds the process, as is told when a %s program is ended',
  async (variant) => {
    const { report, stdout } = await run(variant);
    expect(stdout).toBe('length 9\nhung\n');
    expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// the thread')]);
    expect(report.findings[0]).toMatchObject({
      ...{ detector: 'keeps-alive', kind: 'worker', certainty: 'likely', count: 1 },
      evidence: [
        expect.stringMatching(/^It alone kept the process from ending, for .* Call unref\(\) after adding it\.$/),
      ],
    });
    expect(report.processes[0]?.faults).toBe(0);
  },
);

test.concurrent.each([
  ['careful', 'length 9\n', 'the listener was there before unref()'],
  ['unref again', 'length 9\n', 'unref() was called once more'],
  ['ref', 'length 9\nhung\n', 'ref() was called once more, so it is meant'],
  ['server', 'length 9\nhung\n', 'a server holds the process, too'],
  ['slow', 'hung\n', 'the thread has not answered yet'],
  ['acknowledged', 'length 0\nlength 9\n', 'the program ends itself in answer to a message'],
])('silent, %s: it prints %j, for %s', async (variant, output) => {
  const { report, stdout } = await run(variant);
  expect(stdout).toBe(output);
  expect(report.findings).toEqual([]);
  expect(report.processes[0]?.faults).toBe(0);
});

test.concurrent('what keeps a process alive is told without the thread that does not', async () => {
  const [held, served] = await Promise.all(['signal', 'stopped server'].map(run));
  const keepers = [held, served].map((ended) => ended?.report.processes[0]?.keptAliveBy?.map(({ kind }) => kind));
  expect(keepers[0]).toContain('worker');
  expect(keepers[1]).toEqual(['server']);
});

test('a thread that has ended is told the same, for nothing: those made after it are seen', async () => {
  const { report, code } = await probed(fixture('ended-thread.cjs'));
  expect(code).toBe(0);
  expect(report.watched).toContainEqual({ kind: 'worker', library: 'Worker', acquired: 2, released: 2 });
  expect(report.processes[0]?.faults).toBe(0);
});
