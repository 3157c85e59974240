import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADAPTERS } from '../probe/adapters.ts';
import { PARTS } from '../probe/process/lapses.ts';
import { readRun } from '../probe/recording/reader.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { sharedMariadb } from './setup/mariadb.ts';
import { HAS_MARIADB } from './support/mariadb.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import {
  type Ended,
  FOLLOWS_FLOWS,
  fixture,
  NODE,
  NODE_MAJOR,
  REGISTER,
  ROOT,
  readReport,
  start,
} from './support/probed.ts';
import { HAS_REDIS, type RedisServer, startRedis } from './support/redis.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Whatever breaks in the probe: the service sees nothing, the part is switched off, the fault is counted.

const program = fixture('everything.cjs');
const pools = new Set<string>(
  ADAPTERS.filter(({ of, natures }) => 'packages' in of && new Set<string>(natures).has('pool')).map(
    ({ name }) => name,
  ),
);
/** What of clients.mjs uses an adapter; those that need a server have none, and cope. */
const clients: Record<string, string> = {
  ioredis: 'ioredis',
  redis: 'redis',
  bullmq: 'bullmq',
  'worker-pools': 'workerpool',
  kafkajs: 'kafkajs',
  amqplib: 'amqplib, refused',
  undici: 'undici',
  'better-sqlite3': 'better-sqlite3',
};
/** Only faults that children meet too need some: they are what takes long. */
function programOf(part: string): string[] {
  if (part.startsWith('oracledb')) return [fixture('everything-oracledb.cjs')];
  if (part === 'node-sqlite') return [fixture('node-sqlite.cjs'), 'clean'];
  if (clients[part]) return [fixture('clients.mjs'), clients[part], 'clean'];
  if (pools.has(part)) return [fixture('everything-pool.mjs'), part];
  return ['children', 'workers'].includes(part) ? [program] : [program, 'childless'];
}
let database: FreshDatabase;
let oracle: Oracle;
let redis: RedisServer | undefined;
let surroundings: Record<string, string>;
const endings: Record<string, Ended> = {};
let alone: Ended;
beforeAll(async () => {
  database = await freshDatabase();
  oracle = await startOracle();
  redis = HAS_REDIS ? await startRedis() : undefined;
  const mariadb = HAS_MARIADB ? { MYSQL_URL: await sharedMariadb() } : {};
  surroundings = { PG_URL: database.url, ...oracle.env, ...redis?.env, ...mariadb };
  for (const args of new Map(
    PARTS.filter((part) => !unused.has(part))
      .map(programOf)
      .map((args) => [String(args), args]),
  ).values()) {
    const ended = await start(NODE, args, { env: surroundings });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    endings[String(args)] = ended;
  }
  alone = endings[String([program, 'childless'])]!;
});
afterAll(async () => {
  await oracle.stop();
  await redis?.stop();
  await database.drop();
});

const probedInto = (out: string, env: Record<string, string> = {}, args = [program, 'childless']) =>
  start(NODE, ['--require', REGISTER, ...args], { env: { ...surroundings, OUTLIVE_OUT: out, ...env } });

function once(task: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) task();
    isDone = true;
  };
}

function callsOf(part: string): number[] {
  if (part === 'oracledb') return [1, 2, 7, 14];
  return clients[part] ? [1, 5] : [1, 2, 7];
}

const NOBODY_LISTENS = `secret@${path.join(tmpdir(), 'no-door')}`;
/** What switches a part on, and parts that have no hook in this program, which leaves nothing open, on this Node.js. */
const needs: Partial<Record<(typeof PARTS)[number], Record<string, string>>> = {
  control: { OUTLIVE_CONTROL: NOBODY_LISTENS },
  inject: { OUTLIVE_CONTROL: NOBODY_LISTENS, OUTLIVE_FAIL_PATH: 'null' },
  notify: { OUTLIVE_NOTIFY: 'stderr' },
  http: FOLLOWS_FLOWS ? {} : { OUTLIVE_SCOPES: 'on' },
};
const unused = new Set([
  ...(FOLLOWS_FLOWS ? [] : ['connects', 'unmark-pooled-sockets', 'elsewhere']),
  // the newest of these run on no older Node.js
  ...(NODE_MAJOR < 22 ? ['node-sqlite', 'undici', 'better-sqlite3'] : []),
  ...(HAS_REDIS ? [] : ['ioredis', 'redis', 'bullmq']),
  ...(HAS_MARIADB ? [] : ['mysql2', 'mysql', 'mariadb']),
  ...[...pools].filter((name) => !existsSync(path.join(ROOT, 'node_modules', name))),
  // not installed here: npm run test:mongodb, npm run test:clients, npm run test:mssql
  ...['mongodb', 'grpc', 'tedious'],
  ...['signals', 'proof', 'source-lines', 'script-maps'],
]);
/** They are over when the last line is written. */
const uncounted = new Set(['exit', 'report']);

describe.concurrent.each(PARTS.filter((part) => !unused.has(part)))('a fault in %s', (part) => {
  // the first hook of most parts is the one that sets it up
  // at its 14th, oracledb's has a lease open, which is not to be called a leak then
  test.each(callsOf(part))('at its hook number %i', async (call) => {
    const args = programOf(part);
    using folder = temporaryFolder();
    const env = { ...needs[part], OUTLIVE_TEST_LAPSE: `${part}:${call}` };
    const ended = await probedInto(folder.path, env, args);
    expect(ended).toEqual(endings[String(args)]);
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

  /** Does something to the folder as soon as the program has begun to work. */
  const probedWhile = (out: string, task: () => void) =>
    start(NODE, ['--require', REGISTER, program, 'childless'], {
      env: { ...surroundings, OUTLIVE_OUT: out },
      onStdout: once(task),
    });

  test('the recording is deleted while it is written: it begins anew, and the report says so', async () => {
    using folder = temporaryFolder();
    const ended = await probedWhile(folder.path, () => rmSync(folder.path, { recursive: true }));
    expect(ended).toEqual(alone);
    const { processes, problems, watched } = readReport(folder.path);
    expect(problems).toEqual([expect.stringMatching(/^The recording of process \d+ was deleted once/)]);
    expect(processes[0]?.adapters.map((label) => label.split(' ')[0])).toContain('generic-pool');
    expect(watched.every(({ acquired }) => acquired > 0)).toBe(true);
  });

  test('the folder is taken away again and again', async () => {
    using folder = temporaryFolder();
    const deleting = setInterval(() => rmSync(folder.path, { recursive: true, force: true }), 100);
    try {
      expect(await probedInto(folder.path)).toEqual(alone);
    } finally {
      clearInterval(deleting);
    }
  });

  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  /** Calls `test` with a folder of its own that holds so many bytes. */
  async function onDisk(size: string, test: (disk: string) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const disk = path.join(folder.path, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
    try {
      await test(disk);
    } finally {
      execFileSync('umount', [disk]);
    }
  }

  test.runIf(isRoot)('the disk is full (root only: it mounts one of 16 kB)', async () => {
    await onDisk('16k', async (disk) => {
      expect(await probedInto(disk)).toEqual(alone);
      expect(await probedInto(disk)).toEqual(alone); // not a byte is left
    });
  });

  test.runIf(isRoot)(
    'the disk is full for a while: the rest is complete, and the report says what is not',
    async () => {
      await onDisk('1m', async (disk) => {
        const filler = path.join(disk, 'filler');
        writeFileSync(filler, Buffer.alloc(1024 * 1024));
        expect(await probedWhile(disk, () => rmSync(filler))).toEqual(alone);
        const { problems, watched } = readReport(disk);
        expect(problems).toContainEqual(
          expect.stringMatching(/^The recording of process \d+ could not be written once/),
        );
        expect(watched.map(({ library }) => library)).toEqual(
          expect.arrayContaining(['pg', 'generic-pool', 'setInterval']),
        );
      });
    },
  );
});
