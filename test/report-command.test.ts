import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import schema from '../probe/recording/report.schema.json' with { type: 'json' };
import { CLI, fixture, probed, ROOT, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const outlive = (...args: string[]) => start(process.execPath, [CLI, 'report', ...args]);

const folder = temporaryFolder();
const at = (...names: string[]) => path.join(folder.path, ...names);
beforeAll(async () => {
  await Promise.all(
    ['leak', 'clean'].map((variant) => probed(fixture('generic-pool.mjs'), [variant], { out: at(variant) })),
  );
});
afterAll(() => folder[Symbol.dispose]());

test('-o writes as many files as are asked for, each as its ending says', async () => {
  const files = ['r.html', 'r.json', 'r.xml', 'r.sarif', 'r.md'].map((name) => at(name));
  const { code, stdout } = await outlive(at('leak'), ...files.flatMap((file) => ['-o', file]));
  expect(code).toBe(0);
  expect(stdout.trim().split('\n')).toEqual(files.map((file) => expect.stringContaining(path.basename(file))));
  const begins = files.map((file) => readFileSync(file, 'utf8').slice(0, 12));
  expect(begins).toEqual(
    ['<!doctype ht', '{\n  "schema":', '<?xml versio', '{\n  "$schema"', '### outlive:'].map((text) =>
      text.slice(0, 12),
    ),
  );
});

test.each([
  ['markdown', /^### outlive: 1 leak/],
  ['junit', /^<\?xml[\s\S]*<failure/],
  ['sarif', /"version": "2\.1\.0"/],
  ['json', /^\{\n {2}"schema": "outlive\.report\/1"/],
])('--format %s prints it, and nothing else', async (format, begins) => {
  const before = readdirSync(at('leak'));
  const { code, stdout, stderr } = await outlive(at('leak'), '--format', format);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(begins);
  expect(readdirSync(at('leak'))).toEqual(before);
});

test('where the report cannot be written, it says so in one sentence', async () => {
  mkdirSync(at('taken.html'));
  const { code, stderr } = await outlive(at('leak'), '-o', at('taken.html'));
  expect(code).toBe(2);
  expect(stderr).toMatch(/^outlive: .*taken\.html cannot be written \(EISDIR\); -o FILE names another\.\n$/);
});

test('--baseline tells what is fixed; --fail-on then minds only what is new', async () => {
  const fixed = await outlive(at('clean'), '--baseline', at('leak'), '--fail-on', 'suspect');
  expect(fixed.code).toBe(0);
  expect(fixed.stderr).toMatch(/baseline +1 fixed, 0 new, 0 still there/);
  const worse = await outlive(at('leak'), '--baseline', at('clean'), '--fail-on', 'suspect');
  expect(worse.code).toBe(1);
  expect(worse.stderr).toMatch(/baseline +0 fixed, 1 new, 0 still there/);
  const same = await outlive(at('leak'), '--baseline', at('leak'), '--fail-on', 'suspect');
  expect(same.code).toBe(0);
  expect((await outlive(at('leak'), '--fail-on', 'suspect')).code).toBe(1);
});

test('a report.json that was kept is a baseline too, and --json has the comparison, as the schema says', async () => {
  copyFileSync(at('leak', 'report.json'), at('kept.json'));
  const { stdout } = await outlive(at('clean'), '--baseline', at('kept.json'), '--json');
  const report = JSON.parse(stdout);
  expect(report.comparison).toMatchObject({ fixed: [expect.stringMatching(/^\w{12}$/)], new: [], remaining: [] });
  const validate = new Ajv2020({ strict: false, formats: { 'date-time': true } }).compile(schema);
  expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
});

test.each([
  [['-o', 'r.pdf'], 'The ending of r.pdf has to say what to write: .html, .json, .xml, .sarif, .llm.md or .md.'],
  [['-o', 'no/such/r.html'], 'There is no folder no/such to write r.html in.'],
  [['--format', 'pdf'], '--format must be html, json, junit, sarif, llm or markdown, not "pdf".'],
  [['--json', '--format', 'sarif'], '--json and --format sarif exclude each other.'],
  [['--json', '--llm'], '--json and --llm exclude each other.'],
  [['--fail-on', 'doubt'], '--fail-on must be proven, likely, suspect, inconclusive or never, not "doubt".'],
  [['--baseline', 'no/such'], 'There is no folder no/such.'],
  [['--baseline', 'package.json'], 'package.json is no report.json of format outlive.report/1.'],
  [['--baseline', 'README.md'], 'README.md is no report.json.'],
])('%j is refused in one sentence', async (args, sentence) => {
  expect(await outlive(at('clean'), ...args)).toEqual({
    ...{ code: 2, signal: null, stdout: '' },
    stderr: `outlive: ${sentence}\n`,
  });
});

test('what can be shown of a folder of ruins is shown, and what is wrong with the rest is told', async () => {
  using ruins = temporaryFolder();
  const [recording] = readdirSync(at('leak')).filter((name) => name.endsWith('.jsonl'));
  copyFileSync(at('leak', recording!), path.join(ruins.path, recording!));
  writeFileSync(path.join(ruins.path, 'app.jsonl'), '{"level":30,"msg":"hello"}\n');
  writeFileSync(path.join(ruins.path, 'empty.jsonl'), '');
  writeFileSync(path.join(ruins.path, 'noise.jsonl'), Buffer.from([0, 255, 10, 128, 13, 10]));
  const { code, stderr } = await outlive(ruins.path);
  expect(code).toBe(0);
  expect(stderr).toContain('1 leak.');
  for (const sentence of [
    'app.jsonl is not a recording of outlive.',
    'empty.jsonl is empty.',
    'noise.jsonl is not a recording of outlive.',
  ]) {
    expect(stderr).toContain(sentence);
  }
});

test('a recording larger than the memory of its reader becomes a page that is not', async () => {
  using huge = temporaryFolder();
  const [recording] = readdirSync(at('leak')).filter((name) => name.endsWith('.jsonl'));
  const lines = readFileSync(at('leak', recording!), 'utf8').split('\n');
  const sample = lines.find((line) => line.startsWith('{"t":"sample"'))!.replace(/"at":[\d.]+/, '"at":AT');
  const samples = Array.from({ length: 1000 }, () => sample).join('\n');
  const file = path.join(huge.path, recording!);
  writeFileSync(file, `${lines[0]}\n`);
  for (let block = 0; block < 250; block++) {
    let at = block * 1000;
    writeFileSync(file, `${samples.replaceAll('AT', () => String(at++ * 1000))}\n`, { flag: 'a' });
  }
  writeFileSync(file, lines.slice(1).join('\n'), { flag: 'a' });
  const { code, stderr } = await start(process.execPath, ['--max-old-space-size=64', CLI, 'report', huge.path], {
    cwd: ROOT,
  });
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('1 leak.');
  expect(readFileSync(path.join(huge.path, 'report.html')).length).toBeLessThan(500_000);
});
