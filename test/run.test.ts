import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CLI, fixture, lineOf, NODE, placeOf, probed, REGISTER, readReport, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const service = fixture('service.mjs');
const outlive = (...args: string[]) => start(NODE, [CLI, ...args]);
const run = (folder: string, ...args: string[]) => outlive('run', '--out', folder, ...args);

test('run watches the program, writes report.json and report.html, and exits with 1 on findings', async () => {
  using folder = temporaryFolder();
  const { code, stdout, stderr } = await run(folder.path, '--', 'node', service, '0');
  expect(code).toBe(1);
  expect(stdout).toBe('done\n'); // stdout is the program's alone
  expect(stderr).toContain('1 leak.');
  expect(readReport(folder.path).findings.map(placeOf)).toEqual([lineOf(service, '// taken')]);
  expect(existsSync(path.join(folder.path, 'report.html'))).toBe(true);
});

test('the program’s own exit status comes first', async () => {
  using folder = temporaryFolder();
  expect((await run(folder.path, '--', 'node', service, '7')).code).toBe(7);
});

test('--fail-on says which findings matter', async () => {
  using folder = temporaryFolder();
  // without the proof it is no more than likely
  const args = [CLI, 'run', '--out', folder.path, '--fail-on', 'proven', '--', 'node', service, '0'];
  expect((await start(NODE, args, { env: { OUTLIVE_PROOF: 'off' } })).code).toBe(0);
  expect((await start(NODE, args)).code).toBe(1);
  expect((await run(folder.path, '--fail-on', 'never', '--', 'node', service, '0')).code).toBe(0);
});

test('--json prints the report alone on stdout', async () => {
  using folder = temporaryFolder();
  const { stdout, stderr } = await run(folder.path, '--json', '--', 'node', service, '0');
  expect(JSON.parse(stdout).verdict).toBe('leak');
  expect(stderr).toContain('done');
});

test('after kill -9 run makes the same report from the recording', async () => {
  using killed = temporaryFolder();
  using exited = temporaryFolder();
  const { code } = await start(
    NODE,
    [
      CLI,
      'run',
      '--out',
      killed.path,
      '--',
      'sh',
      '-c',
      `node ${service} 0 stay & P=$!; while [ ! -e ${killed.path}/go ]; do sleep 0.1; done; kill -9 $P; wait $P`,
    ],
    {
      onStdout: (text) => text.includes('done') && writeFileSync(path.join(killed.path, 'go'), ''),
    },
  );
  expect(code).toBe(137);
  await run(exited.path, '--', 'node', service, '0');
  const [after, before] = [readReport(killed.path), readReport(exited.path)];
  expect(after.processes[0]?.end).toBe('signal');
  expect(after.findings.map(({ id, count, certainty, site }) => ({ id, count, certainty, site }))).toEqual(
    before.findings.map(({ id, count, certainty, site }) => ({ id, count, certainty, site })),
  );
});

test('without run, a killed process is reported by outlive report, and one that exits reports itself', async () => {
  using folder = temporaryFolder();
  const { signal } = await start(NODE, ['--require', REGISTER, service, '0', 'stay'], {
    env: { OUTLIVE_OUT: folder.path },
    onStdout: (text, kill) => text.includes('done') && kill('SIGKILL'),
  });
  expect(signal).toBe('SIGKILL');
  expect(existsSync(path.join(folder.path, 'report.json'))).toBe(false);
  const { code, stdout } = await outlive('report', folder.path);
  expect(code).toBe(0);
  expect(stdout.trim()).toMatch(/report\.html$/);
  expect(readReport(folder.path).findings).toHaveLength(1);

  expect((await probed(service, ['0'])).report.verdict).toBe('leak');
});

test('OUTLIVE_SIGNALS=1 writes the report on SIGTERM, and the process still dies by it', async () => {
  using folder = temporaryFolder();
  const { signal } = await start(process.execPath, ['--require', REGISTER, service, '0', 'stay'], {
    env: { OUTLIVE_OUT: folder.path, OUTLIVE_SIGNALS: '1' },
    onStdout: (text, kill) => text.includes('done') && kill('SIGTERM'),
  });
  expect(signal).toBe('SIGTERM');
  expect(readReport(folder.path).processes[0]?.end).toBe('signal');
  expect(readReport(folder.path).findings).toHaveLength(1);
});

test('by default recordings go to .outlive, and latest points to the newest', async () => {
  using folder = temporaryFolder();
  await start(NODE, ['--require', REGISTER, service, '0'], { cwd: folder.path });
  const latest = readlinkSync(path.join(folder.path, '.outlive/latest'));
  expect(latest).toMatch(/^\d{8}-\d{6}-\d+$/);
  expect(readReport(path.join(folder.path, '.outlive', latest)).verdict).toBe('leak');
});

test('child processes are watched too, whatever environment and working directory they get', async () => {
  using folder = temporaryFolder();
  const parent = path.join(folder.path, 'parent.cjs');
  writeFileSync(
    parent,
    `require('node:child_process').spawn(process.execPath, [${JSON.stringify(service)}, '0'], { env: {}, cwd: '/', stdio: 'inherit' });`,
  );
  const { report } = await probed(parent);
  expect(report.processes.map(({ parent }) => parent === 0)).toEqual([true, false]);
  expect(report.processes[1]?.parent).toBe(report.processes[0]?.pid);
  expect(report.findings.map(placeOf)).toEqual([lineOf(service, '// taken')]);
});

test('register-path prints what --require takes', async () => {
  expect((await outlive('register-path')).stdout).toBe(`${REGISTER}\n`);
});

const SCENARIOS =
  'connection-leak, generation-leak, orphan-worker, driver-per-job, pool-contention, connection-storm, hybrid, pool-models';

test.each([
  [
    ['run', '--loud', '--', 'node'],
    "outlive run has no option '--loud'; it has --out, --fail-on, --heapdump, --json, --database-url, --help.",
  ],
  [['run'], 'outlive run needs the program after --, as in: outlive run -- node server.js.'],
  [['run', '--', 'no-such-program'], 'no-such-program cannot be started: there is no such program.'],
  [
    ['run', '--fail-on', 'maybe', '--', 'node'],
    '--fail-on must be proven, likely, suspect, inconclusive or never, not "maybe".',
  ],
  [
    ['walk'],
    'outlive has no command "walk"; it has run, attach, watch, soak, scenarios, report, mcp, heap, candidates, size, oracle-standin, init, doctor, register-path.',
  ],
  [['report'], 'outlive report needs the folder of a run, such as .outlive/latest.'],
  [['report', '/no/such/folder'], 'There is no folder /no/such/folder.'],
  [
    ['report', '/etc/hostname'],
    '/etc/hostname is neither the folder of a run nor what an OpenTelemetry collector keeps of logs (OTLP in JSON).',
  ],
  [['soak'], `outlive soak needs --url and a program after --, or --command, or a scenario: ${SCENARIOS}.`],
  [['soak', 'nothing'], `There is no scenario "nothing"; there is ${SCENARIOS}.`],
  [
    ['soak', 'connection-leak', '--growth'],
    "outlive soak connection-leak has no option '--growth'; it has --runs, --database, --out, --fail-on, --json, --help.",
  ],
  [
    ['soak', '--command', 'node job.js', '--url', 'http://127.0.0.1:1/'],
    "outlive soak of a job has no option '--url'; it has --command, --times, --limit, --database-url, --growth, --out, --fail-on, --json, --help.",
  ],
  [['soak', 'connection-leak', '--runs', 'many'], '--runs must be a whole number from 3 to 1000, not "many".'],
  [['run', '--out', '', '--', 'node'], '--out needs the name of a folder, not "".'],
  [['scenarios', 'all'], 'outlive scenarios takes options only, not "all".'],
  [['register-path', 'here'], 'outlive register-path takes options only, not "here".'],
  [
    ['run', '--out', `${CLI}/x`, '--', 'node', service, '0'],
    `${CLI}/x cannot be written (ENOTDIR); --out DIR names another folder.`,
  ],
])('wrong use is one sentence and exit code 2: %j', async (args, sentence) => {
  const { code, stderr, stdout } = await outlive(...args);
  expect({ code, stderr, stdout }).toEqual({ code: 2, stderr: `outlive: ${sentence}\n`, stdout: '' });
});

test('a wrong setting stops outlive run, but never a service that is only preloaded', async () => {
  const env = { OUTLIVE_STACKS: 'lots' };
  const sentence = 'OUTLIVE_STACKS must be a whole number from 0 to 100000, not "lots".';
  const refused = await start(NODE, [CLI, 'run', '--', 'node', service, '0'], { env });
  expect(refused).toMatchObject({ code: 2, stderr: `outlive: ${sentence}\n` });
  const { code, report } = await probed(service, ['0'], { env });
  expect(code).toBe(0);
  expect(report.processes[0]?.unsupported).toContain(sentence);
  const { stderr } = await start(NODE, [CLI, 'run', '--', 'node', service, '0'], { env: { OUTLIVE_HEAPDUMP: '1' } });
  expect(stderr).toBe('outlive: OUTLIVE_HEAPDUMP must be off, SIGUSR2, SIGQUIT or SIGBREAK, not "1".\n');
});

test('an empty OUTLIVE_OUT is none: nothing is written into the working directory itself', async () => {
  using folder = temporaryFolder();
  const env = { OUTLIVE_OUT: '' };
  await start(NODE, [CLI, 'run', '--', 'node', service, '0'], { cwd: folder.path, env });
  expect(readdirSync(folder.path)).toEqual(['.outlive']);
});

test('an unreachable database is one sentence, without the password', async () => {
  const { code, stderr } = await start(NODE, [CLI, 'soak', 'connection-leak'], {
    env: { DATABASE_URL: 'postgres://app:hunter2@127.0.0.1:1/x' },
  });
  expect(code).toBe(2);
  expect(stderr).toMatch(/outlive: PostgreSQL at 127\.0\.0\.1:1 cannot be used: .*\n$/);
  expect(stderr).not.toMatch(/hunter2|\n\s+at /);
});

test('a reader that leaves early ends the command without a word, and a full disk with one', async () => {
  using folder = temporaryFolder();
  await run(folder.path, '--', 'node', service, '0');
  const html = `${NODE} ${CLI} report ${folder.path} --format html`;
  const left = await start('sh', ['-c', `{ ${html}; echo $? >&2; } | head -c 9`]);
  expect(left).toMatchObject({ stdout: '<!doctype', stderr: '0\n' });
  if (!existsSync('/dev/full')) return;
  const full = await start('sh', ['-c', `${html} >/dev/full`]);
  expect(full).toMatchObject({ code: 2, stderr: expect.stringMatching(/^outlive: The disk is full \(ENOSPC\)/) });
});

test('what could not be started leaves no folder behind', async () => {
  using folder = temporaryFolder();
  const out = path.join(folder.path, 'out');
  expect((await run(out, '--', 'no-such-program')).code).toBe(2);
  expect((await run(out, '--', 'true')).stderr).toContain('no Node.js process was seen');
  expect(existsSync(out)).toBe(false);
});

test('scenarios lists what soak can replay', async () => {
  const { stdout } = await outlive('scenarios');
  expect(stdout).toMatch(/^connection-leak\s+\S/);
  expect(readFileSync(CLI, 'utf8')).toContain('#!/usr/bin/env node');
});
