/** What only grows, by the line that adds: seen where OUTLIVE_GROWTH asks for it. */
import { expect, test } from 'vitest';
import { fixture, lineOf, NODE, placeOf, probed, start } from './support/probed.ts';

const PROGRAM = fixture('only-grows.mjs');
const env = { OUTLIVE_GROWTH: 'on' };

test.concurrent.each([
  ['map', 'memory', 'Map', '// to a map', 200],
  ['set', 'memory', 'Set', '// to a set', 200],
  ['array', 'memory', 'Array', '// to an array', 400],
  ['race', 'promise', 'Promise.race', '// a race', 200],
])('%s: found at the line that adds', async (what, kind, library, line, count) => {
  const { report, stdout } = await probed(PROGRAM, [what, 'grows'], { env });
  expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, line)]);
  expect(report.findings[0]).toMatchObject({ kind, library, certainty: 'likely' });
  // the last race may not be over
  expect([count - 1, count]).toContain(report.findings[0]?.count);
  expect(report.processes[0]?.faults).toBe(0);
  expect(stdout).toBe((await start(NODE, [PROGRAM, what, 'grows'])).stdout);
});

test.concurrent.each(['map', 'set', 'array', 'race'])('%s: silent where something is taken away', async (what) => {
  const { report } = await probed(PROGRAM, [what, 'bounded'], { env });
  expect(report.findings).toEqual([]);
  expect(report.processes[0]?.faults).toBe(0);
});

test.concurrent.each([
  ['once', 'a table that is filled in one go'],
  ['gather', 'a list that is gathered row by row, and dropped'],
])('%s: silent, since it is %s', async (what) => {
  const { report } = await probed(PROGRAM, [what, 'grows'], { env });
  expect(report.findings).toEqual([]);
});

test.concurrent('a race of many costs no more than each of them', async () => {
  const script = `
    const all = Array.from({ length: 20_000 }, () => new Promise((resolve) => setImmediate(resolve, 1)));
    Promise.race(all).then(console.log);`;
  const { stdout, report } = await probed('-e', [script], {
    env: { ...env, NODE_OPTIONS: '--max-old-space-size=200' },
  });
  expect([stdout, report.processes[0]?.faults]).toEqual(['1\n', 0]);
});

test.concurrent('nobody asked for it: nothing is seen, and nothing is changed', async () => {
  const { report } = await probed(PROGRAM, ['map', 'grows']);
  expect(report.findings).toEqual([]);
});

test.concurrent('what is no map, no set and no array fails, or works, as it does without', async () => {
  const script = `
    const told = [];
    const tell = (does) => { try { told.push(String(does())); } catch (error) { told.push(error.message); } };
    tell(() => Map.prototype.set.call({}, 1, 2));
    tell(() => Set.prototype.add.call(Object.create(Set.prototype), 1));
    const like = { length: 40 };
    tell(() => Array.prototype.push.call(like, 'a') + JSON.stringify(like));
    tell(() => Array.prototype.push.call(null, 1));
    tell(() => Map.prototype.set.name + Map.prototype.set.length + Array.prototype.push.name + Array.prototype.push.length);
    const touched = [];
    const list = new Proxy(new Array(50).fill(0), { get: (target, key) => (touched.push(String(key)), target[key]) });
    tell(() => list.push(1) + touched.join());
    class Own extends Promise {}
    tell(() => Own.race([Own.resolve(1), new Own(() => {})]).constructor.name);
    Promise.race([Promise.reject(new Error('lost')), new Promise(() => {})]);
    process.on('unhandledRejection', ({ message }) => console.log(message));
    console.log(told.join('; '));`;
  const plain = await start(NODE, ['-e', script]);
  const { stdout, report } = await probed('-e', [script], { env });
  expect(stdout).toBe(plain.stdout);
  expect(stdout).toContain('lost');
  expect(report.processes[0]?.faults).toBe(0);
});
