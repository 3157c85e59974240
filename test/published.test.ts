/** Pools that make themselves watchable, by the channel of outlive/lease: no adapter knows them. */
import { expect, test } from 'vitest';
import { fixture, lineOf, NODE, placeOf, probed, start, watched } from './support/probed.ts';

const program = fixture('published.mjs');
const run = (variant: string) => probed(program, [variant]);

test('a lease that is dropped is proven, in the library’s and the pool’s own names', async () => {
  const { report, stdout } = await run('leak');
  expect(stdout).toBe('done\n');
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(finding && placeOf(finding)).toBe(lineOf(program, '// a desk'));
  expect(finding).toMatchObject({ detector: 'collected', certainty: 'proven', library: 'desks', pool: 'third floor' });
  expect(finding).toMatchObject({ count: 6, acquired: 12, released: 6 });
});

test('leases that come back are counted, and silent', async () => {
  const { report } = await run('clean');
  expect(report).toMatchObject({ verdict: 'clean', findings: [], unseen: [] });
  expect(watched(report, 'desks')).toEqual({ acquired: 12, released: 12 });
});

test('an acquire that times out names who holds the pool', async () => {
  const { report, stdout } = await run('exhausted');
  expect(stdout).toBe('no desk is free\ndone\n');
  const [finding] = report.findings;
  expect([finding?.detector, finding && placeOf(finding)]).toEqual([
    'pool-exhausted',
    lineOf(program, '// all of them'),
  ]);
  expect(finding?.evidence[0]).toMatch(/^1 acquire of pool third floor timed out .* with 8 of 8 in use/);
});

test('without the probe a pool that publishes is what it was', async () => {
  for (const variant of ['leak', 'clean']) {
    expect(await start(NODE, [program, variant])).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  }
});

test('switched off, nothing listens', async () => {
  const { report } = await probed(program, ['leak'], { env: { OUTLIVE_OFF: 'lease' } });
  expect(report.findings).toEqual([]);
  expect(watched(report, 'desks')).toEqual({ acquired: 0, released: 0 });
});
