/** `outlive soak` of a service or a job of the user's. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { inVain } from '../soak/service/in-vain.ts';
import { addressOf, headerOf, nameOf, targetsOf } from '../soak/service/targets.ts';
import { freePort } from './support/free-port.ts';
import { CLI, fixture, lineOf, NODE, placeOf, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const ORDERS = fixture('orders.mjs');

const QUICK = ['--duration', '1s', '--rounds', '2', '--warmup', '300ms', '--connections', '5'];

function soak(folder: string, ...args: string[]) {
  return start(NODE, [CLI, 'soak', '--out', folder, ...args]);
}

/** Processes that run `text`: what a soak must not leave behind. */
function running(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}

test('a service that leaks on one of its routes: the line, exit code 1, and the load that was given', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const urls = ['--url', `http://127.0.0.1:${port}/refunds`, '--url', `POST http://127.0.0.1:${port}/orders`];
  const { code, stdout, stderr } = await soak(folder.path, ...urls, ...QUICK, '--', 'node', ORDERS, String(port));
  expect(code, stderr).toBe(1);
  const report = readReport(folder.path);
  expect(report.findings.map(placeOf)).toEqual([lineOf(ORDERS, '// taken')]);
  expect(report.findings[0]?.scopes.map(({ name }) => name)).toEqual(['GET /refunds']);

  expect(report.load).toMatchObject({ kind: 'requests', connections: 5, planned: 2 });
  expect(report.load?.targets).toEqual([
    `GET http://127.0.0.1:${port}/refunds`,
    `POST http://127.0.0.1:${port}/orders`,
  ]);
  expect(report.load?.rounds.map(({ round }) => round)).toEqual([0, 1, 2]);
  for (const { requests, targets, errors, open } of report.load!.rounds) {
    expect(requests).toBe(targets.reduce((total, { statuses }) => total + (statuses['200'] ?? 0), 0));
    expect(targets.every(({ failed }) => failed === 0) && errors === 0).toBe(true);
    expect(open).toBeGreaterThan(0);
  }
  expect(report.problems).toEqual([]);

  // plain lines where there is no terminal
  expect(stderr).toMatch(/^round 2 of 2: [\d,]+ answers, p99 \d+ ms, \d+ open at rest, 1 found$/m);
  expect(stdout).toMatch(/report\.html\n$/);
  // stopped gently, and all of it
  expect(readFileSync(path.join(folder.path, 'service.log'), 'utf8')).toContain('asked to stop');
  expect(running(`${ORDERS}\0${port}`)).toEqual([]);
});

test('the fixed twin behind a shell: exit code 0, and --json prints the report', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const { code, stdout } = await soak(
    ...[folder.path, '--url', `http://127.0.0.1:${port}/refunds`, ...QUICK, '--json'],
    ...['--', 'sh', '-c', `node ${ORDERS} ${port} fixed; true`],
  );
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Report;
  expect(report.verdict).toBe('clean');
  expect(report.watched).toMatchObject([{ library: 'generic-pool' }, { library: 'net.Server' }]);
  expect(report.watched[0]?.acquired).toBe(report.watched[0]?.released);
});

test('a soak of failures proves nothing, unless they are meant', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const args = ['--url', `http://127.0.0.1:${port}/broken`, ...QUICK, '--rate', '100'];
  const failed = await soak(folder.path, ...args, '--', 'node', ORDERS, String(port));
  expect(failed.code).toBe(2);
  expect(failed.stdout).toMatch(/report\.html\n$/);
  const { verdict, problems, unseen } = readReport(folder.path);
  expect(verdict).toBe('inconclusive');
  expect(problems.join()).toMatch(
    /No request succeeded \(GET http:\/\/127\.0\.0\.1:\d+\/broken: 500 \(\d+\)\), and a soak of failures proves nothing\./,
  );
  expect(unseen.map(({ what }) => what)).toContain(`GET http://127.0.0.1:${port}/broken`);
  const meant = await soak(folder.path, ...args, '--expect', '500', '--', 'node', ORDERS, String(port));
  expect(meant.code).toBe(0);
});

describe('whether to go on', () => {
  const targets = targetsOf({ url: [addressOf('http://127.0.0.1:1/'), addressOf('http://127.0.0.1:1/b')] });
  const round = (good: number, bad: number, errors = 0) => {
    const statuses = { ...(good && { 200: good }), ...(bad && { 500: bad }) };
    return { targets: [{ target: 0, statuses, failed: bad }], errors };
  };

  test('a round too short for an answer is no failure, until there were two or it was the last', () => {
    const never =
      /^No request succeeded \(GET http:\/\/127\.0\.0\.1:1\/: no answer; .*\), and a soak of failures proves/;
    expect(inVain([round(0, 0)], targets, 0, false)).toBeNull();
    expect(inVain([round(0, 0)], targets, 1, true)).toMatch(never);
    expect(inVain([round(0, 0), round(0, 0)], targets, 0, false)).toMatch(never);
    expect(inVain([round(0, 0, 3)], targets, 0, false)).toMatch(never);
  });

  test('one target of several that answers is enough, whether or not the others were reached', () => {
    expect(inVain([round(1, 40)], targets, 0, true)).toBeNull();
  });

  test('a service that dies on the way is not soaked to the end', () => {
    const dead =
      /^From round 2 on no request succeeded \(GET http:\/\/127\.0\.0\.1:1\/: 500 \(9\); .*\): the service is dead or hangs/;
    expect(inVain([round(50, 0), round(50, 0), round(0, 9)], targets, 0, false)).toMatch(dead);
    expect(inVain([round(50, 0), round(0, 9)], targets, 1, false)).toMatch(dead);
    expect(inVain([round(50, 0), round(0, 0)], targets, 0, false)).toBeNull();
    expect(inVain([round(50, 0), round(0, 9), round(1, 9)], targets, 0, false)).toBeNull();
  });
});

test('a service that dies is told with what was found until then, and not soaked to the end', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const { code, stderr, stdout } = await soak(
    ...[folder.path, '--url', `http://127.0.0.1:${port}/exhausting`, '--duration', '6s', '--rounds', '12'],
    ...['--warmup', '0', '--connections', '5', '--', 'node', ORDERS, String(port)],
  );
  expect(code, stderr).toBe(1);
  expect(stdout).toMatch(/report\.html\n$/);
  const report = readReport(folder.path);
  expect(report.problems.join()).toMatch(/From round \d on no request succeeded \(.*no answer\): the service is dead/);
  expect(report.load?.rounds.length).toBeLessThan(8);
  expect(report.findings.map(placeOf)).toContain(lineOf(ORDERS, '// never given back'));
});

test('thousands of answers in which nothing was acquired, over few rounds, are inconclusive', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const { code, stdout } = await soak(
    ...[
      folder.path,
      '--url',
      `http://127.0.0.1:${port}/hello`,
      ...QUICK,
      '--',
      'node',
      fixture('at-rest.mjs'),
      String(port),
    ],
  );
  expect(code).toBe(2);
  expect(stdout).toMatch(/report\.html\n$/);
  const { verdict, unseen } = readReport(folder.path);
  expect(verdict).toBe('inconclusive');
  expect(unseen).toMatchObject([{ what: 'what the requests take', why: expect.stringMatching(/^In [\d,]+ answers/) }]);
});

test('few requests reach many targets', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const urls = Array.from({ length: 12 }, (_, n) => ['--url', `http://127.0.0.1:${port}/hello?${n}`]).flat();
  const { code, stderr } = await soak(
    ...[
      folder.path,
      ...urls,
      '--connections',
      '2',
      '--rate',
      '8',
      '--duration',
      '3s',
      '--rounds',
      '2',
      '--warmup',
      '0',
    ],
    ...['--', 'node', fixture('at-rest.mjs'), String(port)],
  );
  expect(code, stderr).toBe(0);
  const { load, problems } = readReport(folder.path);
  const answered = load!.rounds.flatMap(({ targets }) => targets).filter(({ statuses }) => statuses['200']);
  expect(new Set(answered.map(({ target }) => target)).size).toBe(12);
  expect(problems).toEqual([]);
});

test('a service that never listens, or ends before it does, is one sentence and exit code 2', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const args = ['--url', `http://127.0.0.1:${port}/`, ...QUICK, '--wait', '700ms', '--'];
  const deaf = await soak(folder.path, ...args, 'node', ORDERS, String(port), 'deaf');
  expect(deaf.code).toBe(2);
  expect(deaf.stderr).toContain(`did not listen on 127.0.0.1:${port} within 0.7 s (--wait gives it longer).`);
  expect(running(`${ORDERS}\0${port}`)).toEqual([]);

  const dead = await soak(folder.path, ...args, 'node', '-e', 'throw new RangeError("no such region")');
  expect(dead.code).toBe(2);
  expect(dead.stderr).toContain(
    `ended with exit code 1 before it listened on 127.0.0.1:${port}. It said: RangeError: no such region.`,
  );
});

test('a port that somebody else has is not loaded', async () => {
  using folder = temporaryFolder();
  let visitors = 0;
  const stranger = createServer(() => visitors++);
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as { port: number };
  const { code, stderr } = await soak(
    ...[folder.path, '--url', `http://127.0.0.1:${port}/`, ...QUICK],
    ...['--', 'node', ORDERS, String(port)],
  );
  stranger.close();
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `outlive: Port ${port} of 127.0.0.1 is taken: something listens there before the service was started. Stop it first.\n`,
  });
  expect(visitors).toBe(1);
});

test('a service that dies half-way: its own exit code, a report of what was seen, and why it is short', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const { code } = await soak(
    ...[folder.path, '--url', `http://127.0.0.1:${port}/orders`, ...QUICK],
    ...['--', 'node', ORDERS, String(port), 'mortal'],
  );
  expect(code).toBe(7);
  const report = readReport(folder.path);
  expect(report.problems.join()).toMatch(/ended with exit code 7 in (the warm-up|round \d of 2)/);
  expect(report.watched[0]?.acquired).toBeGreaterThan(40);
});

test.each(['SIGINT', 'SIGKILL'] as const)(
  '%s in mid-soak leaves no process; an interrupted one still reports',
  async (signal) => {
    using folder = temporaryFolder();
    const port = await freePort();
    const args = ['--url', `http://127.0.0.1:${port}/refunds`, '--duration', '60s', '--warmup', '0'];
    using temporary = temporaryFolder();
    const child = spawn(NODE, [CLI, 'soak', '--out', folder.path, ...args, '--', 'node', ORDERS, String(port)], {
      stdio: 'ignore',
      env: { ...process.env, TMPDIR: temporary.path, XDG_RUNTIME_DIR: '' },
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await until('its leak to be seen', () => recorded(folder.path).includes('"t":"finding"'));
    child.kill(signal);
    const code = await ended;
    await until('the service to end', () => running(`${ORDERS}\0${port}`).length === 0);
    await until('its side door to be removed', () => readdirSync(temporary.path).length === 0);
    if (signal === 'SIGKILL') return;
    expect(code).toBe(130);
    const report = readReport(folder.path);
    expect(report.problems).toEqual(['The soak was interrupted.']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(ORDERS, '// taken')]);
    expect(report.load?.rounds[0]?.requests).toBeGreaterThan(0);
  },
);

function recorded(folder: string): string {
  const names = readdirSync(folder).filter((name) => /^\d.*\.jsonl$/.test(name));
  return names.map((name) => readFileSync(path.join(folder, name), 'utf8')).join('');
}

test('a job is run again and again, and the report says which findings recur', async () => {
  using folder = temporaryFolder();
  const job = path.join(folder.path, 'job.mjs');
  writeFileSync(
    job,
    `import { readdirSync } from 'node:fs';
import { createPool } from ${JSON.stringify(import.meta.resolve('generic-pool'))};
import { scope } from ${JSON.stringify(import.meta.resolve('outlive'))};
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });
// the first run of all is as it should be
const leaks = readdirSync(process.env.OUTLIVE_TEST_OUT).filter((name) => /^\\d.*jsonl$/.test(name)).length > 1;
for (let n = 0; n < 10; n++) {
  await scope('bill', async () => {
    const connection = await pool.acquire(); // borrowed
    if (n % 2 || !leaks) await pool.release(connection);
  });
}
process.exit(0);
`,
  );
  const out = path.join(folder.path, 'out');
  const args = ['soak', '--out', out, '--command', `node ${job}`, '--times', '3'];
  const env = { OUTLIVE_TEST_OUT: out, OUTLIVE_GRACE_MS: '0' };
  const { code, stderr } = await start(NODE, [CLI, ...args], { env });
  expect(code, stderr).toBe(1);
  const report = readReport(out);
  expect(report.findings).toMatchObject([{ count: 10, acquired: 20, recurrence: { runs: 2, of: 3 } }]);
  expect(report.findings.map(placeOf)).toEqual([lineOf(job, '// borrowed')]);
  expect(report.findings[0]?.evidence[0]).toBe('Found in 2 of 3 runs of the command.');
  expect(report.load).toMatchObject({ kind: 'commands', planned: 3 });
  expect(stderr).toMatch(/^run 3 of 3: ended with exit code 0 after \d/m);
});

test('a job that fails gives its own exit code, and one that hangs is stopped and said', async () => {
  using folder = temporaryFolder();
  const job = (command: string, ...args: string[]) => soak(folder.path, '--command', command, '--times', '2', ...args);
  expect((await job('node -e "process.exit(5)"')).code).toBe(5);
  expect((await job('node -e "setInterval(() => {}, 1000)"', '--limit', '1s')).code).toBe(1);
  expect(readReport(folder.path).problems[0]).toMatch(/^Run 1 of "node .*" did not end within 1 s and was stopped/);
});

test('a script makes the requests of a round itself', async () => {
  using folder = temporaryFolder();
  const port = await freePort();
  const script = path.join(folder.path, 'drive.mjs');
  writeFileSync(
    script,
    `export default async function drive({ url, round, signal }) {
  for (let n = 0; n < 20; n++) await (await fetch(url + (round === 0 ? 'orders' : 'refunds'), { signal })).text();
  return 20;
}
`,
  );
  const out = path.join(folder.path, 'out');
  const url = `http://127.0.0.1:${port}/`;
  const args = ['--script', script, '--url', url, '--rounds', '3', '--', 'node', ORDERS, String(port)];
  const { code, stderr } = await soak(out, ...args);
  expect(code, stderr).toBe(1);
  const report = readReport(out);
  expect(report.findings).toMatchObject([{ acquired: 60, count: 6 }]);
  expect(report.load).toMatchObject({ kind: 'script', targets: [script], planned: 3 });
  expect(report.load?.rounds.map(({ requests }) => requests)).toEqual([20, 20, 20, 20]);
});

test.each([
  [
    ['--url', 'http://127.0.0.1:1/'],
    'outlive soak needs the program after --, as in: outlive soak --url http://127.0.0.1:3000/ -- node server.js.',
  ],
  [['--', 'node', 'x.js'], 'outlive soak needs --url, or --script, to know what to ask the service.'],
  [
    ['--url', 'http://example.com/', '--', 'node'],
    'example.com is not this machine: outlive soak loads only the service that it starts, on localhost, 127.0.0.1 or [::1].',
  ],
  [
    ['--url', 'ftp://127.0.0.1/', '--', 'node'],
    '--url must be an address such as http://127.0.0.1:3000/orders, not "ftp://127.0.0.1/".',
  ],
  [['--url', 'http://127.0.0.1:1/', '--header', 'x', '--', 'node'], '--header must be of the form "Name: value".'],
  [
    ['--url', 'http://127.0.0.1:1/', '--body', '@none', '--', 'node'],
    'The file none of --body cannot be read (ENOENT).',
  ],
  [
    ['--url', 'http://127.0.0.1:1/', '--duration', 'long', '--', 'node'],
    '--duration must be a time such as 30s, 5m or 500ms of at least 100 ms, not "long".',
  ],
  [
    ['--url', 'http://127.0.0.1:1/', '--', 'no-such-program'],
    'no-such-program cannot be started: there is no such program.',
  ],
  [
    ['--url', 'http://127.0.0.1:1/', '--method', 'FETCH', '--', 'node'],
    '--method must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, not "FETCH".',
  ],
  [
    ['--url', 'FETCH http://127.0.0.1:1/', '--', 'node'],
    'The method of --url must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, not "FETCH".',
  ],
  [['--script', 'none.mjs', '--', 'node'], 'There is no file none.mjs.'],
  [['--command', ' '], '--command needs a command, such as "npm run job".'],
])('wrong use is one sentence and exit code 2: %j', async (args, sentence) => {
  using folder = temporaryFolder();
  const { code, stderr } = await soak(folder.path, ...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: `outlive: ${sentence}\n` });
});

test('each URL may have its method; a body goes with those that take one, JSON with its type', () => {
  const [get, post] = targetsOf({
    url: [addressOf('get http://[::1]:80/a'), addressOf('http://localhost/b')],
    body: '{"a":1}',
    header: [headerOf('X-Y: z')],
  });
  const [asked] = targetsOf({ url: [addressOf('http://127.0.0.1/a?limit=5&session=hunter2')] });
  const [replayed] = targetsOf({ url: [addressOf('POST http://127.0.0.1/a')], body: '@all' });
  expect(replayed?.body).toBe('@all'); // only an option names a file so
  expect(nameOf(asked!)).toBe('GET http://127.0.0.1/a?limit=…&session=***');
  expect(get).toMatchObject({ method: 'GET', body: null, headers: { 'x-y': 'z' } });
  expect(post).toMatchObject({ method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } });
});
