import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PARTS } from '../probe/faults.ts';
import { readRun } from '../probe/recording/reader.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { type Ended, FOLLOWS_FLOWS, fixture, NODE, REGISTER, start, temporaryFolder } from './support/probed.ts';

// Whatever breaks in the probe: the service sees nothing, the part is switched off, the fault is counted.

const program = fixture('everything.cjs');
let database: FreshDatabase;
let alone: Ended;
beforeAll(async () => {
  database = await freshDatabase();
  alone = await start(NODE, [program], { env: { PG_URL: database.url } });
  expect(alone).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => database.drop());

const probedInto = (out: string, env: Record<string, string> = {}, args = [program]) =>
  start(NODE, ['--require', REGISTER, ...args], { env: { PG_URL: database.url, OUTLIVE_OUT: out, ...env } });

/** What switches a part on, and parts that have no hook in this program on this Node.js. */
const needs: Partial<Record<(typeof PARTS)[number], Record<string, string>>> = {
  control: { OUTLIVE_CONTROL: 'outlive-test-nobody-listens' },
  http: FOLLOWS_FLOWS ? {} : { OUTLIVE_SCOPES: 'on' },
};
const unused = new Set([...(FOLLOWS_FLOWS ? [] : ['connects']), 'signals']);
/** They are over when the last line is written. */
const uncounted = new Set(['exit', 'report']);

describe.each(PARTS.filter((part) => !unused.has(part)))('a fault in %s', (part) => {
  // the first hook of most parts is the one that sets it up
  test.each([1, 2, 7])('at its hook number %i', async (call) => {
    using folder = temporaryFolder();
    const ended = await probedInto(folder.path, { ...needs[part], OUTLIVE_TEST_FAULT: `${part}:${call}` });
    expect(ended).toEqual(alone);
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
