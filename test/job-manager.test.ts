/** The job manager as its clients see it: a process of its own, asked by HTTP. */
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openSession } from '../pipeline/store/database.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { CLUSTER, JobManager, MODULES } from './support/job-manager.ts';
import { NODE, start } from './support/probed.ts';
import { until } from './support/until.ts';
import { openWorkload, type Workload } from './support/workload.ts';

let database: FreshDatabase;
let workload: Workload;
let manager: JobManager | null = null;

beforeAll(async () => {
  database = await freshDatabase();
  workload = await openWorkload(database.url);
});
afterEach(async () => {
  await manager?.end('SIGTERM');
  manager = null;
});
afterAll(async () => {
  await workload.pool.close();
  await database.drop();
});

const startManager = (...options: string[]) =>
  JobManager.start('--database', database.url, '--modules', MODULES, '--task-managers', '1', ...options);

test('a job is planned, run on the slots of the task managers, and its result is kept', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'echo.cjs', options: { lanes: 3 } });
  await manager.reaches(id, 'FINISHED');
  expect(await manager.job(id)).toMatchObject({ name: 'echo.cjs', runs: 1, result: { lanes: 3 } });
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const { body } = await manager.ask('GET', '/overview');
  expect(body).toMatchObject({ taskmanagers: 1, 'slots-total': 2, 'slots-available': 2, 'jobs-finished': 1 });
  const { body: managers } = await manager.ask('GET', '/taskmanagers');
  expect(managers).toMatchObject({
    taskmanagers: [{ id: 'taskmanager-1', state: 'READY', slotsNumber: 2, restarts: 0 }],
  });
  expect(await (await fetch(manager.url)).text()).toContain('<h2>Task managers</h2>');
});

test('what cannot be done is refused in a sentence, and the API stays up', async () => {
  manager = await startManager('--plan', 'context', '--plan-limit', '1');
  const refused: [body: unknown, status: number, error: string, message: RegExp][] = [
    [
      { module: 'broken.cjs' },
      400,
      'broken-module',
      /^The module cannot be planned: TypeError: no such table of rules\.$/,
    ],
    [{ module: 'never.cjs' }, 400, 'endless-module', /^The module was not planned within 1 s\.$/],
    [{ module: 'endless.cjs' }, 400, 'endless-module', /^The module was not planned within 1 s\.$/],
    [{ module: 'nowhere.cjs' }, 404, 'no-such-module', /^There is no such module in the folder of modules\.$/],
    [{ module: '../count.ts' }, 403, 'no-modules', /^The module is not in the folder of modules\.$/],
    [{ job: 'dance' }, 400, 'bad-request', /^"job" must be one of ingest, rules, deliver, correlate\.$/],
    [{ job: 'ingest' }, 400, 'bad-request', /^The job ingest needs "input", a folder or file\.$/],
    [{ job: 'ingest', input: '' }, 400, 'bad-request', /^"input" must be a path\.$/],
    [{ job: 'rules', input: '/srv' }, 400, 'bad-request', /^"input" is for the job ingest alone\.$/],
    [{ job: 'rules', options: {} }, 400, 'bad-request', /^"options" are given to a module; the jobs have none\.$/],
    [{ job: 'rules', evry: '3s' }, 400, 'bad-request', /^There is no field "evry"; there is job, module,/],
    [{ job: 'rules', every: 3 }, 400, 'bad-request', /^"every" must be a time such as "30s"/],
    [{ job: 'rules', every: '600h' }, 400, 'bad-request', /^"every" must be .* from "100ms" to "576h"\.$/],
    [{ job: 'ingest', input: 'a\0b' }, 400, 'bad-request', /^The job must have no NUL and no half of a character/],
    [{ module: 'echo.cjs', options: { a: '\ud800' } }, 400, 'bad-request', /^The job must have no NUL/],
    [
      `{ "module": "echo.cjs", "options": ${'['.repeat(5000)}${']'.repeat(5000)} }`,
      400,
      'bad-request',
      /100 levels deep/,
    ],
    [{}, 400, 'bad-request', /^Give either "job" or "module"\.$/],
    ['{', 400, 'bad-request', /^The body is no JSON\.$/],
    ['"'.padEnd(300_000), 413, 'too-large', /^The body is larger than 256 kB\.$/],
  ];
  for (const [body, status, error, message] of refused) {
    const answer = await manager.ask('POST', '/jobs', body);
    expect(answer).toEqual({ status, body: { error, message: expect.stringMatching(message) } });
  }
  expect(await manager.ask('POST', '/jobs', 'a=b', { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
  expect(await manager.ask('GET', '/jobs/none')).toMatchObject({ status: 404, body: { error: 'no-such-job' } });
  expect(await manager.ask('PATCH', '/jobs/none?mode=cancel')).toMatchObject({ status: 404 });
  expect(await manager.ask('GET', '/jobs/%E0')).toMatchObject({ status: 400, body: { error: 'bad-request' } });
  expect(await manager.ask('GET', '/overview')).toMatchObject({ status: 200, body: { 'submissions-refused': 17 } });
});

test('without a token it is asked by the names of this machine alone', async () => {
  manager = await startManager();
  const { port } = new URL(manager.url);
  const asked = await new Promise<number | undefined>((resolve, reject) =>
    get({ port, path: '/jobs', headers: { host: `rebound.example:${port}` } }, ({ statusCode }) =>
      resolve(statusCode),
    ).on('error', reject),
  );
  expect(asked).toBe(403);
});

test('what is no request of HTTP is refused as all else is', async () => {
  manager = await startManager();
  const socket = connect(Number(new URL(manager.url).port), '127.0.0.1');
  const answer = text(socket);
  socket.write('GET / HTTP/1.1\r\nno header\r\n\r\n');
  const [status, ...lines] = (await answer).split('\r\n');
  expect(status).toBe('HTTP/1.1 400 Bad Request');
  expect(JSON.parse(lines.at(-1)!)).toEqual({ error: 'bad-request', message: 'The request is malformed.' });
});

test('a client that offers HTTP/2, as curl --http2 and Java do, is answered by what it speaks', async () => {
  manager = await startManager();
  const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABk' };
  const status = await new Promise((resolve, reject) =>
    get(`${manager!.url}/overview`, { headers }, ({ statusCode }) => resolve(statusCode)).on('error', reject),
  );
  expect(status).toBe(200);
});

test('of thousands of submissions at once it takes what it can, refuses the others, and stays up', async () => {
  manager = await startManager();
  const statuses: Record<number, number> = {};
  const submit = async () => {
    const { status } = await manager!.ask('POST', '/jobs', { job: 'correlate', parallelism: 1, every: '1h' });
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: 1500 }, submit));
  expect(statuses).toEqual({ 202: 500, 503: 1000 });
  expect(await manager.ask('GET', '/overview')).toMatchObject({ status: 200, body: { 'submissions-refused': 1000 } });
  await workload.query('delete from cluster_jobs');
});

test('after kill -9 the next job manager goes on with what had not ended, and knows what had', async () => {
  manager = await startManager();
  const ended = await manager.submit({ module: 'echo.cjs' });
  await manager.reaches(ended, 'FINISHED');
  const running = await manager.submit({ module: 'echo.cjs', options: { forever: true } });
  await manager.reaches(running, 'RUNNING');
  await manager.end('SIGKILL');

  manager = await startManager();
  expect(await manager.job(ended)).toMatchObject({ state: 'FINISHED', restarts: 0, result: { lanes: 2 } });
  expect(await manager.job(running)).toMatchObject({ state: 'RUNNING', restarts: 1 });
  expect(await manager.ask('PATCH', `/jobs/${running}?mode=cancel`)).toMatchObject({ status: 202 });
  await manager.reaches(running, 'CANCELED');
  expect(await manager.ask('PATCH', `/jobs/${running}?mode=cancel`)).toMatchObject({ status: 409 });
});

test('of two job managers on one database the second says so and ends, and the first works on', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'echo.cjs', options: { forever: true } });
  await manager.reaches(id, 'RUNNING');
  const { code, stderr } = await start(NODE, [CLUSTER, '--port', '0', '--database', database.url]);
  const sentence = 'Another job manager works on this database: stop it first, or name another database.';
  expect({ code, stderr }).toEqual({ code: 2, stderr: `${sentence}\n` });
  expect(await manager.job(id)).toMatchObject({ state: 'RUNNING', runs: 1, restarts: 0 });
  await manager.ask('PATCH', `/jobs/${id}?mode=cancel`);
  await manager.reaches(id, 'CANCELED');
});

test('a job manager whose session is lost takes its place again, and stops once another one has it', async () => {
  manager = await startManager();
  const leader = `select pid from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())`;
  const end = (pid?: number) => workload.query(`select pg_terminate_backend(${pid})`);
  const [first] = await workload.query<{ pid: number }>(leader);
  await end(first?.pid);
  const next = await until('another session', async () => {
    const [row] = await workload.query<{ pid: number }>(leader);
    return row?.pid !== first?.pid && row;
  });
  const other = await openSession(database.url, 10_000);
  try {
    const lock = `select pg_advisory_lock(hashtext('outlive job manager'), hashtext(current_schema()))`;
    const locked = other.query(lock);
    await end(next.pid);
    await locked;
    await until('it to be said', () => manager!.said().includes('another job manager works on it now'));
  } finally {
    await other.end();
  }
});

test('a lane whose result cannot be kept fails its job alone, and the other lanes are told to end', async () => {
  manager = await startManager();
  const results: [gives: string, lanes: number, error: RegExp][] = [
    ['a number too large', 2, /^The result of the task is no plain data: TypeError: Do not know how to serialize a/],
    ['a circle', 2, /^The result of the task is no plain data: TypeError: Converting circular structure to JSON\.$/],
    ['a large one', 1, /^The result is larger than 256 kB\.$/],
    ['a huge one', 2, /^The result of the task is larger than 8 MB\.$/],
    ['a deep one', 1, /^The result is more than 100 levels deep\.$/],
  ];
  for (const [gives, lanes, error] of results) {
    const id = await manager.submit({ module: 'odd.cjs', options: { gives, lanes } });
    await manager.reaches(id, 'FAILED');
    expect(await manager.job(id)).toMatchObject({ error: expect.stringMatching(error) });
  }
  const free = async () => (await manager!.ask('GET', '/overview')).body['slots-available'];
  await until('the slots to be free', async () => Number(await free()) === 2);
  expect(await manager.ask('GET', '/taskmanagers')).toMatchObject({ body: { taskmanagers: [{ restarts: 0 }] } });
});

test('a module that has nothing to be run fails its job at once, and says why', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'idle.cjs' });
  await manager.reaches(id, 'FAILED');
  expect(await manager.job(id)).toMatchObject({ error: 'The module of the job exports no function "run".' });
});

test('what a module throws after it was planned is said, and the job manager goes on', async () => {
  manager = await startManager('--plan', 'context');
  const id = await manager.submit({ module: 'later.cjs' });
  await manager.reaches(id, 'FINISHED');
  for (const words of ['left behind', 'and so was this'])
    await until(words, () => manager!.said().includes(`later.cjs, planned before, threw: Error: ${words}\n`));
  expect(await manager.ask('GET', '/overview')).toMatchObject({ status: 200 });
});

test('of a result what no database keeps is replaced, so that it is there after kill -9', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'odd.cjs', options: { gives: 'no character' } });
  await manager.reaches(id, 'FINISHED');
  await manager.end('SIGKILL');
  manager = await startManager();
  expect(await manager.job(id)).toMatchObject({ state: 'FINISHED', result: { text: 'a\ufffdb\ufffd' } });
});

test('a job that does not end when it is canceled is ended with its thread', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'odd.cjs', options: { gives: 'never' } });
  await manager.reaches(id, 'RUNNING');
  await manager.ask('PATCH', `/jobs/${id}?mode=cancel`);
  await manager.reaches(id, 'CANCELED', { withinMs: 30_000 });
});

test('a job with an interval goes on after its state could not be kept for a while', async () => {
  manager = await startManager();
  const id = await manager.submit({ module: 'echo.cjs', every: '100ms' });
  await until('a run', async () => (await manager!.job(id)).completed >= 1);
  await workload.query('alter table cluster_jobs rename to away');
  await until('it to be said', () => manager!.said().includes(`Job ${id} waits until its state can be kept: `));
  const { completed } = await manager.job(id);
  await workload.query('alter table away rename to cluster_jobs');
  await until('further runs', async () => (await manager!.job(id)).completed >= completed + 2);
  await manager.ask('PATCH', `/jobs/${id}?mode=cancel`);
  await manager.reaches(id, 'CANCELED');
});

test('however many jobs had not ended, the next job manager goes on with all of them', async () => {
  await (await startManager()).end('SIGTERM');
  await workload.query('delete from cluster_jobs');
  const module = join(MODULES, 'odd.cjs');
  const options = { gives: 'no character', planMs: 50 };
  const submission = { job: null, module, mode: 'bounded', every: null, input: null, parallelism: 1, options };
  const record = { name: 'odd.cjs', submission, created: 1, runs: 0, completed: 0, restarts: 0 };
  await workload.query(
    `insert into cluster_jobs (id, state, created, record) select 'job-' || n, 'CREATED', 1,
      jsonb_build_object('jobid', 'job-' || n, 'state', 'CREATED') || '${JSON.stringify(record)}'
      from generate_series(1, 60) n`,
  );
  manager = await startManager('--plan', 'context', '--isolation', 'none');
  const states = async () => {
    const { body } = await manager!.ask('GET', '/overview');
    return [body['jobs-finished'], body['jobs-failed']].map(Number) as [number, number];
  };
  await until('all to have ended', async () => (await states())[0] + (await states())[1] >= 60);
  expect((await states())[1]).toBe(0);
  await workload.query('delete from cluster_jobs');
});

test('of jobs that ended the latest thousand are kept', async () => {
  await (await startManager()).end('SIGTERM');
  await workload.query(
    `insert into cluster_jobs (id, state, created, record) select 'old-' || n, 'FINISHED', n,
      jsonb_build_object('jobid', 'old-' || n, 'state', 'FINISHED') from generate_series(1, 1500) n`,
  );
  manager = await startManager();
  const [row] = await workload.query<{ count: string }>('select count(*) from cluster_jobs');
  expect(Number(row?.count)).toBe(1000);
  expect(await manager.ask('GET', '/jobs/old-1500')).toMatchObject({ status: 200 });
  expect(await manager.ask('GET', '/jobs/old-400')).toMatchObject({ status: 404 });
  await workload.query('delete from cluster_jobs');
});

test('a job manager that cannot read what it knew says so and ends', async () => {
  await (await startManager()).end('SIGTERM');
  await workload.query('alter table cluster_jobs rename column record to unknown');
  const { code, stderr } = await start(NODE, [CLUSTER, '--port', '0', '--database', database.url]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'The database failed: column "record" does not exist.\n' });
  await workload.query('alter table cluster_jobs rename column unknown to record');
});

test('a job with an interval is run again and again until it is canceled', async () => {
  manager = await startManager();
  const id = await manager.submit({ job: 'correlate', every: '100ms' });
  await until('three runs', async () => (await manager!.job(id)).completed >= 3);
  await manager.ask('PATCH', `/jobs/${id}?mode=cancel`);
  await manager.reaches(id, 'CANCELED');
});

test('a token is asked of every request but the page, and elsewhere than on loopback there must be one', async () => {
  manager = await startManager('--token', 'sesame');
  expect(await manager.ask('GET', '/jobs')).toMatchObject({ status: 401, body: { error: 'bad-token' } });
  expect(await manager.ask('GET', '/jobs', undefined, { authorization: 'Bearer sesam' })).toMatchObject({
    status: 401,
  });
  expect(await manager.ask('GET', '/jobs', undefined, { authorization: 'Bearer sesame' })).toMatchObject({
    status: 200,
  });
  expect((await fetch(manager.url)).status).toBe(200);
  const open = await start(NODE, [CLUSTER, '--host', '0.0.0.0']);
  expect(open).toMatchObject({
    ...{ code: 2, stderr: '--host 0.0.0.0 can be reached from elsewhere: give --token TOKEN as well.\n' },
  });
});

test.each([[[]], [['task-manager', '--url', 'http://127.0.0.1:1']]])(
  'cluster %j: modules that are in no folder are wrong use',
  async (args) => {
    const { code, stderr } = await start(NODE, [CLUSTER, ...args, '--modules', CLUSTER]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `--modules must be a folder; ${CLUSTER} is none.\n` });
  },
);
