/** What other tools say of a program that was soaked, and how it goes together with what outlive says. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Frame, Recording } from '../probe/recording/format.ts';
import { type Opinion, readOpinions } from '../probe/recording/opinions.ts';
import { opinionLines } from '../reports/opinion-words.ts';
import { doctorSays } from '../soak/opinions/clinic/doctor.ts';
import { bubbleprofSays, flameSays, heapProfilerSays } from '../soak/opinions/clinic/profiles.ts';
import { noteOpinion } from '../soak/opinions/opinion-log.ts';
import { theirHandles } from '../soak/opinions/why/account.ts';
import { reconcile } from '../soak/opinions/why/reconcile.ts';
import { freePort } from './support/free-port.ts';
import { CLI, fixture, NODE, readReport, start } from './support/probed.ts';
import { project } from './support/project.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const SAID = `There are 4 handle(s) keeping the process running.

# Timeout
jobs.js:12       - setInterval(beat, 1000);
server.js:3      - startJobs();

# TCPSERVERWRAP
/srv/server.js:8 - server.listen(3000);

# DNSCHANNEL
(unknown stack trace)

# PIPEWRAP
(unknown stack trace)
`;

const frame = (file: string, line: number): Frame => ({ file, line, column: 1, function: 'f', user: true });
const open = { unref: 0, owner: null, frame: 0, acquired: 1, released: 0 };

function recording(parts: Pick<Recording, 'openSites' | 'handles'>): Parameters<typeof reconcile>[0] {
  const sites = new Map([
    [1, [frame('/srv/jobs.js', 12), frame('/srv/server.js', 3)]],
    [2, [frame('/srv/server.js', 8)]],
    [3, [frame('/srv/pool.js', 5)]],
  ]);
  return { sites, process: {} as Recording['process'], ...parts };
}

test('what why-is-node-running prints is read as handles with their stacks', () => {
  const handles = theirHandles(SAID, '/srv');
  expect(handles.map(({ type }) => type)).toEqual(['Timeout', 'TCPSERVERWRAP', 'DNSCHANNEL', 'PIPEWRAP']);
  expect(handles[0]?.stack).toEqual([
    { file: '/srv/jobs.js', line: 12 },
    { file: '/srv/server.js', line: 3 },
  ]);
  expect(handles[2]?.stack).toEqual([]);
});

test('of two accounts: what both name, and what one of them names alone, with the reason', () => {
  const openSites = [
    { ...open, site: 1, kind: 'timer', library: 'setInterval', open: 1 },
    { ...open, site: 2, kind: 'server', library: 'net.Server', open: 1 },
    { ...open, site: 3, kind: 'connection', library: 'pg', open: 2 },
  ] as Recording['openSites'];
  const { both, onlyTheirs, onlyOurs } = reconcile(recording({ openSites, handles: [] }), theirHandles(SAID, '/srv'));
  expect(both).toMatchObject([
    { kind: 'timer', type: 'Timeout', library: 'setInterval', count: 1, site: { file: '/srv/jobs.js', line: 12 } },
    { kind: 'server', type: 'TCPSERVERWRAP', count: 1, why: null },
  ]);
  expect(onlyTheirs).toMatchObject([
    { kind: null, type: 'DNSCHANNEL', why: expect.stringContaining('resolver') },
    { kind: 'socket', type: 'PIPEWRAP', why: expect.stringContaining('standard stream') },
  ]);
  expect(onlyOurs).toMatchObject([
    { kind: 'connection', library: 'pg', count: 2, why: expect.stringContaining('pool') },
  ]);
});

test('what has no line in one account is counted off by its kind; what is owned or unref is not ours to name', () => {
  const openSites = [
    { ...open, site: 1, kind: 'timer', library: 'setInterval', open: 3, unref: 2 },
    { ...open, site: 2, kind: 'timer', library: 'setInterval', open: 1, owner: 0 },
  ] as Recording['openSites'];
  const handles: Recording['handles'] = [{ kind: 'socket', about: null, count: 1 }];
  const compared = reconcile(recording({ openSites, handles }), theirHandles(SAID, '/srv'));
  expect(compared.both.map(({ kind, count }) => [kind, count])).toEqual([
    ['timer', 1],
    ['socket', 1],
  ]);
  expect(compared.onlyOurs).toEqual([]);
});

test.each([
  ['none', {}, ['Clinic Doctor found no issue.']],
  [
    'event-loop',
    { delay: 'performance', cpu: 'none', memory: { rss: 'none', heapUsed: 'performance' } },
    [expect.stringContaining('Event Loop issue'), 'It finds unusual: the delay of the event loop, the memory usage.'],
  ],
  ['something new', {}, []],
])("Clinic Doctor's verdict %s", (issueCategory, issues, said) => {
  const analysis = JSON.stringify({ interval: [1, 2], issues, issueCategory, note: 'a "}" in text' });
  expect(doctorSays(`<script>{ "traceEvent": [], "analysis": ${analysis}\n}</script>`)).toEqual(said);
});

test('a profile is told by its largest places, and Node.js itself is none', () => {
  const stack = (...names: string[]) => names.map((name) => ({ name }));
  const render = 'render /srv/page.js:4:10';
  const samples = [
    stack(render),
    stack(render, 'sqrt native'),
    stack('poll node:net:3:1'),
    stack('x /srv/b.js:1:1'),
    [],
  ];
  expect(flameSays(JSON.stringify(samples))).toEqual([
    '50 % of the samples of Clinic Flame were in render /srv/page.js:4, or what it called.',
    '25 % of the samples of Clinic Flame were in x /srv/b.js:1, or what it called.',
  ]);
  const callFrame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 3 });
  const child = { callFrame: callFrame('slice', 'node:buffer'), selfSize: 3e6, children: [] };
  const own = { callFrame: callFrame('keep', 'file:///srv/a.mjs'), selfSize: 1e6, children: [child] };
  const head = { callFrame: callFrame('(root)', ''), selfSize: 0, children: [own] };
  expect(heapProfilerSays(JSON.stringify({ head }))).toEqual([
    '100 % of the memory that Clinic Heap Profiler sampled, 4.0 MB, was allocated in keep /srv/a.mjs:4.',
  ]);
  const node = {
    frames: [
      { fileName: 'node:fs', lineNumber: 1 },
      { functionName: 'load', fileName: './file:/srv/a.js', lineNumber: 7 },
    ],
    sources: [
      { init: 1000, before: [3000, 4000] },
      { init: null, before: [] },
    ],
  };
  const page = `<script type="application/json" id="clinic-data">${JSON.stringify({ data: [{ nodes: [node] }] })}</script>`;
  expect(bubbleprofSays(page)).toEqual([
    '100 % of the waiting that Clinic Bubbleprof saw, 2.0 s in all, was for what load /srv/a.js:7 began.',
  ]);
});

test('an opinion is kept beside the recordings, and told; one with a link elsewhere is not believed', () => {
  using folder = temporaryFolder();
  const opinion: Opinion = {
    ...{ tool: 'clinic doctor', version: '13.0.0', sentence: 'Asked.', findings: ['Nothing.'] },
    ...{ page: 'opinions/clinic-doctor.html', compared: null },
  };
  noteOpinion(folder.path, opinion);
  appendFileSync(path.join(folder.path, 'opinions.jsonl'), `${JSON.stringify({ ...opinion, page: '../x.html' })}\n`);
  const problems: string[] = [];
  const opinions = readOpinions(folder.path, problems);
  expect(opinions).toEqual([opinion]);
  expect(problems).toHaveLength(1);
  const report = { opinions } as Parameters<typeof opinionLines>[0];
  expect(opinionLines(report, (file) => file)).toEqual([
    'clinic doctor 13.0.0: Asked.',
    'Nothing.',
    'its page: opinions/clinic-doctor.html beside the report',
  ]);
});

test('--clinic: what is wrong is said at once', async () => {
  const url = ['--url', 'http://127.0.0.1:1/'];
  const unknown = await start(NODE, [CLI, 'soak', '--clinic', 'nurse', ...url, '--', 'node', 'x.js']);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('doctor, bubbleprof, flame') });
  const without = await start(NODE, [CLI, 'soak', '--clinic', 'doctor', '--script', 'x.mjs', '--', 'node', 'x.js']);
  expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('--clinic needs --url') });
});

/** Runs the program until the load is over, as Clinic does, and then never comes to the end of its analysis. */
const SLOW_CLINIC = `
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
const [onPort, command] = ['--on-port', '--'].map((word) => process.argv.indexOf(word) + 1);
const [program, ...args] = process.argv.slice(command);
const child = spawn(program, args);
spawnSync(process.argv[onPort], { shell: true });
child.kill();
writeFileSync('analysing', String(process.pid));
setInterval(() => {}, 1000);
`;

test('a Ctrl-C while Clinic analyses ends the soak, and Clinic with it', async () => {
  using shop = project({
    'node_modules/clinic/package.json': '{ "name": "clinic", "version": "13.0.0", "bin": "clinic.mjs" }',
    'node_modules/clinic/clinic.mjs': SLOW_CLINIC,
  });
  using temporary = temporaryFolder();
  const out = shop.file('out');
  const port = String(await freePort());
  const load = ['--url', `http://127.0.0.1:${port}/orders`, '--duration', '500ms', '--rounds', '1', '--warmup', '0'];
  const args = [CLI, 'soak', '--out', out, '--clinic', 'doctor', ...load, '--', 'node', fixture('orders.mjs'), port];
  const child = spawn(NODE, args, {
    ...{ cwd: shop.path, stdio: 'ignore' },
    env: { ...process.env, TMPDIR: temporary.path, XDG_RUNTIME_DIR: '' },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const analysing = shop.file('analysing');
  await until('Clinic to analyse', () => existsSync(analysing));
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(existsSync(`/proc/${readFileSync(analysing, 'utf8')}`)).toBe(false);
  expect(readdirSync(temporary.path)).toEqual([]);
  expect(readReport(out).opinions).toMatchObject([
    { sentence: 'clinic doctor 13.0.0 made no page: the soak was interrupted.' },
  ]);
});

test('a replay that is ended in the middle leaves no folder behind', async () => {
  using folder = temporaryFolder();
  const replay = path.join(path.dirname(CLI), '../soak/opinions/why/replay.js');
  const code = `
    import { whyIsItRunning } from ${JSON.stringify(replay)};
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
    await whyIsItRunning({ command, log: 'program.log', folder: '.', round: () => process.exit(130) });`;
  const env = { TMPDIR: folder.path };
  const ended = await start(NODE, ['--input-type=module', '--eval', code], { env, cwd: folder.path });
  expect(ended.code, ended.stderr).toBe(130);
  expect(readdirSync(folder.path).filter((name) => name.startsWith('outlive-why-'))).toEqual([]);
});
