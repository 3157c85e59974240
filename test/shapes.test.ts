import { expect, test } from 'vitest';
import { FOLLOWS_FLOWS, fixture, lineOf, placeOf, probed } from './support/probed.ts';

// The ways of borrowing that fool naive detectors. Flows can be followed from Node 24 on; before, what stays beyond its
// line's own history is only a suspect.
const suspected = { detector: 'held-too-long', certainty: 'suspect' };

const program = fixture('shapes.mjs');

/** What the patterns find by themselves; the proof would be first. */
const byPatterns = (shape: string) => probed(program, [shape], { env: { OUTLIVE_PROOF: 'off' } });

const LEAKS = ['plain', 'worker-loop', 'then-fetch', 'then-http-get', 'then-long-timer', 'destroyer-serves-waiter'];
test.concurrent.each(LEAKS)(
  'leak, %s: proven, on every Node.js, with every one of the 20 or 10 counted',
  async (shape) => {
    const { report, stdout } = await probed(program, [shape]);
    expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed here')]);
    const count = Number(stdout.replace('borrowed ', ''));
    expect(report.findings[0]).toMatchObject({ detector: 'unreachable', certainty: 'proven', count });
  },
);

test.concurrent.each([
  ['plain', 'flow-ended'],
  ['worker-loop', 'superseded'],
  ['then-fetch', 'flow-ended'],
  ['then-http-get', 'flow-ended'],
  ['destroyer-serves-waiter', 'flow-ended'],
])('leak, %s: found by %s with every one of the 20 or 10 counted', async (shape, detector) => {
  const { report, stdout } = await byPatterns(shape);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed here')]);
  const [finding] = report.findings;
  expect(finding).toMatchObject(FOLLOWS_FLOWS ? { detector, certainty: 'likely' } : suspected);
  const borrowed = Number(stdout.replace('borrowed ', ''));
  // before, only those that stayed for a multiple of the longest use so far
  if (FOLLOWS_FLOWS) expect(finding?.count).toBe(borrowed);
  else expect(finding?.count).toBeGreaterThan(0);
});

test('a leak of sockets that the pool opened inside acquire is found: they do not keep the flow', async () => {
  const { report } = await byPatterns('factory-opens-socket');
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed socket')]);
  const found = FOLLOWS_FLOWS ? { detector: 'flow-ended', certainty: 'likely' } : suspected;
  expect(report.findings[0]).toMatchObject({ ...found, count: 20 });
});

test('by patterns alone, a leak whose flow a long timer keeps alive is at least a suspect', async () => {
  const { report } = await byPatterns('then-long-timer');
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// borrowed here')]);
  expect(report.findings[0]).toMatchObject({ ...suspected, count: 20 });
});

test.concurrent.each([
  'promise-all',
  'released-by-listener',
  'released-by-reaper',
  'held-for-life',
  'warm-up',
  'worker-pool',
  'heartbeats',
  'side-by-side',
  'started-one-by-one',
  'slow-but-fine',
])('clean, %s: silent', async (shape) => {
  const { report } = await probed(program, [shape]);
  expect(report.findings).toEqual([]);
});
