import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PARTS } from '../probe/faults.ts';
import { readRun } from '../probe/recording/reader.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { type Ended, FOLLOWS_FLOWS, fixture, NODE, REGISTER, start, temporaryFolder } from './support/probed.ts';

// Whatever breaks in the probe: the service sees nothing, the part is switched off, the fault is counted.

const program = fixture('everything.cjs');
const oracleProgram = fixture('everything-oracledb.cjs');
const programOf = (part: string) => (part.startsWith('oracledb') ? oracleProgram : program);
let database: FreshDatabase;
let oracle: Oracle;
let surroundings: Record<string, string>;
const endings: Record<string, Ended> = {};
let alone: Ended;
beforeAll(async () => {
  database = await freshDatabase();
  oracle = await startOracle();
  surroundings = { PG_URL: database.url, ...oracle.env };
  for (const each of [program, oracleProgram]) {
    endings[each] = await start(NODE, [each], { env: surroundings });
    expect(endings[each]).toMatchObject({ code: 0, stderr: '' });
  }
  alone = endings[program]!;
});
afterAll(async () => {
  await oracle.stop();
  await database.drop();
});

const probedInto = (out: string, env: Record<string, string> = {}, args = [program]) =>
  start(NODE, ['--require', REGISTER, ...args], { env: { ...surroundings, OUTLIVE_OUT: out, ...env } });

/** What switches a part on, and parts that have no hook in this program on this Node.js. */
const needs: Partial<Record<(typeof PARTS)[number], Record<string, string>>> = {
  control: { OUTLIVE_CONTROL: 'outlive-test-nobody-listens' },
  inject: { OUTLIVE_CONTROL: 'outlive-test-nobody-listens', OUTLIVE_FAIL_PATH: 'null' },
  http: FOLLOWS_FLOWS ? {} : { OUTLIVE_SCOPES: 'on' },
};
const unused = new Set([...(FOLLOWS_FLOWS ? [] : ['connects']), 'signals']);
/** They are over when the last line is written. */
const uncounted = new Set(['exit', 'report']);

describe.each(PARTS.filter((part) => !unused.has(part)))('a fault in %s', (part) => {
  // the first hook of most parts is the one that sets it up
  // at its 14th, oracledb's has a lease open, which is not to be called a leak then
  test.each(part === 'oracledb' ? [1, 2, 7, 14] : [1, 2, 7])('at its hook number %i', async (call) => {
    using folder = temporaryFolder();
    const env = { ...needs[part], OUTLIVE_TEST_FAULT: `${part}:${call}` };
    const ended = await probedInto(folder.path, env, [programOf(part)]);
    expect(ended).toEqual(endings[programOf(part)]);
    const [recording] = readRun(folder.path).recordings;
    expect(recording?.problems).toEqual([]);
    if (call === 1 && !uncounted.has(part)) expect(recording?.cost?.faults).toBe(1);
    const certain = [...(recording?.findings.values() ?? [])].filter(({ finding }) => finding.certainty !== 'suspect');
    expect(certain).toEqual([]);
  });
});

describe('nowhere to write', () => {
  test('the folder is a file', async () => {
    using folder = temporaryFolder();
    const file = path.join(folder.path, 'out');
    writeFileSync(file, 'not a folder');
    expect(await probedInto(file)).toEqual(alone);
    expect(await probedInto(path.join(file, 'below'))).toEqual(alone);
  });

  test('the folder cannot be made', async () => {
    expect(await probedInto('/proc/outlive')).toEqual(alone);
    expect(await probedInto('/dev/null/outlive')).toEqual(alone);
  });

  test('the recording is deleted while it is written', async () => {
    using folder = temporaryFolder();
    const deleting = setInterval(() => {
      for (const name of readdirSync(folder.path)) rmSync(path.join(folder.path, name), { force: true });
    }, 100);
    try {
      expect(await probedInto(folder.path)).toEqual(alone);
    } finally {
      clearInterval(deleting);
    }
  });

  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  test.runIf(isRoot)('the disk is full (root only: it mounts one of 16 kB)', async () => {
    using folder = temporaryFolder();
    const disk = path.join(folder.path, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk]);
    try {
      expect(await probedInto(disk)).toEqual(alone);
      expect(await probedInto(disk)).toEqual(alone); // not a byte is left
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
