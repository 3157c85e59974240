import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
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

/** With what it has said so far. */
function follow(...args: string[]) {
  const child = spawn(process.execPath, [program, '--follow', '--database', store.url, ...args], { cwd: folder });
  running = child;
  const said = text(child.stderr);
  const end = async (how: () => void) => {
    const exit = once(child, 'exit');
    how();
    return { code: (await exit)[0], stderr: await said };
  };
  return { child, end };
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
  expect((await end(() => child.kill('SIGINT'))).code).toBe(130);
});

test('each line of standard input is worked on as it comes', async () => {
  const { child, end } = follow('--input', '-');
  child.stdin.write(`${event('ann')}\n`);
  await found('ann');
  const { code } = await end(() => child.stdin.end(`${event('bob')}\n`));
  expect(code).toBe(0);
  expect(await actors()).toEqual(['ann', 'bob']);
});

test('when the database ends all sessions it says so, waits, and goes on with nothing lost', async () => {
  const { child, end } = follow('--input', '-');
  child.stdin.write(`${event('ann')}\n`);
  await found('ann');
  await store.endSessions('pipeline');
  child.stdin.write(`${event('bob')}\n`);
  await found('ann', 'bob');
  const { code, stderr } = await end(() => child.stdin.end());
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /The database failed: [^\n]+\. Trying again until it is back\.\nIt is back, and the work goes on\./,
  );
});
