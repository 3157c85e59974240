import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { LineProxy } from '../scenarios/faults/proxy.ts';
import { type FreshStore, freshStore } from './setup/stores.ts';
import { until } from './support/until.ts';
import { openWorkload, type Workload } from './support/workload.ts';
import './support/compile-once.ts';

const program = join(import.meta.dirname, '../pipeline/main.ts');

let store: FreshStore;
let workload: Workload;
let folder: string;
let running: ChildProcessWithoutNullStreams | null = null;
beforeAll(async () => {
  store = await freshStore();
  workload = await openWorkload(store.url);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlive-follow-'));
  await mkdir(join(folder, 'in'));
});
afterEach(async () => {
  running?.kill('SIGKILL');
  await rm(folder, { recursive: true });
  await workload.empty();
});
afterAll(async () => {
  await workload?.pool.close();
  await store?.drop();
});

function follow(...args: string[]) {
  const child = spawn(process.execPath, [program, '--follow', '--database', store.url, ...args], { cwd: folder });
  running = child;
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const end = async (how: () => void): Promise<number> => {
    const exit = once(child, 'exit');
    how();
    return (await exit)[0];
  };
  return { child, end, said: () => stderr };
}

/** An event that a bundled rule finds, each of another actor: so each gives an insight. */
function event(actor: string): string {
  return JSON.stringify({
    ...{ eventID: actor, eventName: 'StopLogging', eventSource: 'cloudtrail.amazonaws.com', awsRegion: 'eu-west-1' },
    ...{ eventTime: '2026-01-05T08:10:00Z', recipientAccountId: '111122223333', requestParameters: { name: 'trail' } },
    userIdentity: { arn: actor },
  });
}

const actors = async () => {
  const rows = await workload.query<{ entity: string }>('select entity from insights order by entity');
  return rows.map(({ entity }) => entity.replace('actor ', ''));
};

function found(...expected: string[]): Promise<unknown> {
  return until(`insights about ${expected}`, async () => (await actors()).join() === expected.join());
}

test('what comes into a folder and what grows there is found while it is followed', async () => {
  const growing = join(folder, 'in/growing.jsonl');
  await writeFile(growing, `${event('ann')}\n`);
  const { child, end } = follow('--input', 'in');
  await found('ann');
  await writeFile(join(folder, 'new'), JSON.stringify({ Records: [event('bob')].map((each) => JSON.parse(each)) }));
  await rename(join(folder, 'new'), join(folder, 'in/delivered.json'));
  await found('ann', 'bob');
  // a line is not read before its end is there
  const [begun, rest] = [event('cleo').slice(0, 50), event('cleo').slice(50)];
  await appendFile(growing, `${event('dan')}\n${begun}`);
  await found('ann', 'bob', 'dan');
  await appendFile(growing, `${rest}\nno JSON\n`);
  await found('ann', 'bob', 'cleo', 'dan');
  const letters = await until('a dead letter', async () => {
    const all = await workload.published<{ position: string; reason: string }>('dead-letters');
    return all.length > 0 && all;
  });
  expect(letters).toMatchObject([{ position: 'line 4', reason: 'not-json' }]);
  expect(await end(() => child.kill('SIGINT'))).toBe(130);
});

test('each line of standard input is worked on as it comes', async () => {
  const { child, end } = follow('--input', '-');
  child.stdin.write(`${event('ann')}\n`);
  await found('ann');
  expect(await end(() => child.stdin.end(`${event('bob')}\n`))).toBe(0);
  expect(await actors()).toEqual(['ann', 'bob']);
});

test('an outage of the database is told, waited for, and nothing is lost', async () => {
  const proxy = await LineProxy.start(store.url);
  const { child, end, said } = follow('--input', '-', '--database', proxy.url);
  child.stdin.write(`${event('ann')}\n`);
  await found('ann');
  child.stdin.write(`${event('bob')}\n`);
  await until('word of the outage', () => {
    proxy.breakAll();
    return /The database failed: [^\n]+\. Trying again until it is back\.\n/.test(said());
  });
  await found('ann', 'bob');
  await until('word of its end', () => said().endsWith('It is back, and the work goes on.\n'));
  expect(await end(() => child.stdin.end())).toBe(0);
  await proxy.stop();
});
