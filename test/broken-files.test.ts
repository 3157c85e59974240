/** Files of a run that are not what they should be, and a disk that refuses: a sentence, never a stack. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { storeReport } from '../probe/recording/assemble.ts';
import { buildReport } from '../probe/recording/build-report.ts';
import { readDatabase } from '../probe/recording/database.ts';
import { readLoad } from '../probe/recording/load.ts';
import { readRecording } from '../probe/recording/read-recording.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const load = { t: 'load', schema: 'outlive.load/1', kind: 'requests', targets: ['GET /x'], connections: 2, planned: 1 };
const round = {
  ...{
    t: 'round',
    round: 1,
    startedMs: 1000,
    endedMs: 2000,
    requests: 5,
    errors: 0,
    latency: null,
    open: 0,
    findings: 0,
  },
  targets: [{ target: 0, statuses: { 200: 5 }, failed: 0 }],
};

test.each([
  ['targets that are no list', [{ ...load, targets: {} }, round], 'load.jsonl is not of format outlive.load/1'],
  ['a kind that is none', [{ ...load, kind: 'x' }, round], 'load.jsonl is not of format outlive.load/1'],
  ['a round without counts', [load, { ...round, targets: [{}] }], 'load.jsonl: 1 unreadable line was skipped.'],
  ['a time that is no date', [load, { ...round, startedMs: 1e308 }], 'load.jsonl: 1 unreadable line was skipped.'],
  ['a line of no type', [load, round, { t: 'toString' }], 'load.jsonl: 1 unreadable line was skipped.'],
])('of a load file with %s that is said', (_, lines, sentence) => {
  using folder = temporaryFolder();
  writeFileSync(path.join(folder.path, 'load.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const problems: string[] = [];
  readLoad(folder.path, problems);
  expect(problems.join(' ')).toContain(sentence);
});

test('a process that began at no date, and a database of no kind, are no recordings', () => {
  using folder = temporaryFolder();
  const file = (name: string, line: object) => {
    writeFileSync(path.join(folder.path, name), `${JSON.stringify(line)}\n`);
    return path.join(folder.path, name);
  };
  const process = {
    t: 'process',
    schema: 'outlive.recording/1',
    pid: 7,
    parent: 0,
    thread: 0,
    host: 'h',
    node: 'v24.0.0',
  };
  const begun = { ...process, argv: [], cwd: '/', startedMs: 1e308, settings: {} };
  expect(readRecording(file('7-0-1.jsonl', begun))).toBe('7-0-1.jsonl is not a recording of outlive.');
  const database = { t: 'database', schema: 'outlive.database/1', name: 'x', kind: 'x', startedMs: 1 };
  expect(readDatabase(file('database-x.jsonl', database))).toBe(
    "database-x.jsonl is not a database's recording of outlive.",
  );
});

test('a report that cannot be put in its place leaves nothing beside it', () => {
  using folder = temporaryFolder();
  // as a full disk does, in that the last step fails
  mkdirSync(path.join(folder.path, 'report.json/x'), { recursive: true });
  expect(() => storeReport(folder.path, buildReport([]))).toThrow();
  expect(readdirSync(folder.path)).toEqual(['report.json']);
});
