import { beforeAll, expect, test } from 'vitest';
import { CLI, FOLLOWS_FLOWS, fixture, lineOf, probed, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const why = async (folder: string, place: string) => {
  const { stdout, stderr } = await start(process.execPath, [CLI, 'report', folder, '--why', place]);
  return stdout || stderr;
};
const shapes = fixture('shapes.mjs');
const place = (text: string) => lineOf(shapes, text);

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await probed(shapes, ['held-for-life'], { out: folder.path });
  return () => folder[Symbol.dispose]();
});

test('a line that acquired only once is not judged', async () => {
  expect(await why(folder.path, place('const listener = await pool.acquire()'))).toBe(
    `1 generic-pool connections acquired there, 0 released, 1 open at the end of the recording.
It acquired only once: something made once and held for life is not judged.
`,
  );
});

test('a line whose resources all came back', async () => {
  expect(await why(folder.path, place('// borrowed here'))).toBe(
    'All 20 that were acquired through that line came back.\n',
  );
});

test('a line that acquired nothing, and where something was instead', async () => {
  expect(await why(folder.path, 'shapes.mjs:1')).toMatch(
    /^Nothing was acquired through shapes\.mjs:1 in this run\.\nIn that file, something was through lines \d+.*\.\n$/,
  );
});

test('a line with something open says which evidence was sought, and what it came to', async () => {
  using own = temporaryFolder();
  await probed(shapes, ['worker-pool'], { out: own.path });
  const answer = await why(own.path, lineOf(shapes, 'const connection = await pool.acquire(); // for life'));
  expect(answer.split('\n').map((line) => line.split(':')[0])).toEqual([
    '4 generic-pool connections acquired there, 0 released, 4 open at the end of the recording.',
    'outlived-scope',
    expect.stringMatching(/^superseded|^Not possible here/),
    ...(FOLLOWS_FLOWS ? ['flow-ended'] : []),
    'growth',
    'held-too-long',
    '',
  ]);
});

test('a line with a finding, and a place that is none', async () => {
  using own = temporaryFolder();
  await probed(shapes, ['plain'], { out: own.path });
  expect(await why(own.path, place('// borrowed here'))).toMatch(
    /^Something was found there: proven, 20 connection, by unreachable/,
  );
  expect(await why(own.path, 'nonsense')).toBe(
    'outlive: --why needs FILE:LINE, such as orders.js:12, not "nonsense".\n',
  );
});
