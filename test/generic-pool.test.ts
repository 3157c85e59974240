import { expect, test } from 'vitest';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';

const program = fixture('generic-pool.mjs');

test('a connection that is not released when a job throws is found at the line that borrowed it', async () => {
  const { report } = await probed(program, ['leak']);
  expect(report.verdict).toBe('leak');
  expect(report.findings).toHaveLength(1);
  const [finding] = report.findings;
  expect(placeOf(finding!)).toBe(lineOf(program, '// borrowed here'));
  expect(finding).toMatchObject({
    kind: 'connection',
    library: 'generic-pool',
    detector: 'outlived-scope',
    certainty: 'likely',
    count: 4,
    acquired: 40,
    released: 36,
    site: { function: 'order' },
    // every leaking run threw it, and no other run did
    scopes: [{ name: 'order', ended: 40, leaked: 4, failedWith: 'TypeError' }],
  });
});

test('release, destroy and use all give a connection back, and the fixed program is clean after the same work', async () => {
  const { report, stdout } = await probed(program, ['clean']);
  expect(report.findings).toEqual([]);
  expect(report.verdict).toBe('clean');
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 45, released: 45 });
  expect(report.processes[0]?.adapters).toContain('generic-pool 3.9.0');
  expect(stdout).toBe('borrowed 0\n');
});

test('connections that another flow gives back after the job are no leak', async () => {
  const { report } = await probed(program, ['hand-over']);
  expect(report.findings).toEqual([]);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 30, released: 30 });
});

test('an acquire that timed out in the queue borrowed nothing', async () => {
  const { report, stdout } = await probed(program, ['time-out']);
  expect(stdout).toContain('TimeoutError');
  expect(report.findings).toEqual([]);
  expect(watched(report, 'generic-pool')).toEqual({ acquired: 65, released: 65 });
});
