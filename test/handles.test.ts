import { describe, expect, test } from 'vitest';
import {
  FOLLOWS_FLOWS,
  fixture,
  lineOf,
  NODE,
  NODE_MAJOR,
  placeOf,
  probed,
  REGISTER,
  readReport,
  start,
  watched,
} from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// What a service makes of Node's own classes, one after the other, outside of any request or job. Each kind is left
// behind once, and ended once.

const PROGRAM = fixture('handles.mjs');

interface Case {
  kind: string;
  library: string;
  /** In the program, at the line that makes one. */
  line: string;
}

const ALL: Record<string, Case> = {
  worker: { kind: 'worker', library: 'Worker', line: '// a thread' },
  channel: { kind: 'port', library: 'MessageChannel', line: '// two ports' },
  broadcast: { kind: 'port', library: 'BroadcastChannel', line: '// a broadcast channel' },
  child: { kind: 'child-process', library: 'child_process', line: '// a child' },
  watch: { kind: 'watcher', library: 'fs.watch', line: '// a folder' },
  recursive: { kind: 'watcher', library: 'fs.watch', line: '// a tree' },
  watchFile: { kind: 'watcher', library: 'fs.watchFile', line: '// a watched file' },
  fileHandle: { kind: 'stream', library: 'fs.promises', line: '// a file handle' },
  directory: { kind: 'stream', library: 'fs.opendir', line: '// a directory' },
  openSync: { kind: 'stream', library: 'fs', line: '// a descriptor' },
  open: { kind: 'stream', library: 'fs', line: '// by a callback' },
  readline: { kind: 'stream', library: 'readline', line: '// a readline interface' },
  context: { kind: 'context', library: 'node:vm', line: '// a context' },
  socket: { kind: 'socket', library: 'net', line: '// a socket' },
  session: { kind: 'socket', library: 'net', line: '// a session' },
  server: { kind: 'server', library: 'net.Server', line: '// a server' },
  datagram: { kind: 'socket', library: 'dgram', line: '// a datagram socket' },
  agent: { kind: 'socket', library: 'http.Agent', line: '// an agent' },
  unread: { kind: 'stream', library: 'node:http', line: '// a request' },
  fetch: { kind: 'stream', library: 'fetch', line: '// a fetch' },
  undici: { kind: 'stream', library: 'undici', line: '// of undici' },
  readStream: { kind: 'stream', library: 'fs.createReadStream', line: '// a stream that is read from' },
  writeStream: { kind: 'stream', library: 'fs.createWriteStream', line: '// a stream that is written to' },
  loop: { kind: 'timer', library: 'timers/promises.setInterval', line: '// a loop' },
  left: { kind: 'timer', library: 'timers/promises.setInterval', line: '// one turn' },
  news: { kind: 'watcher', library: 'fs/promises.watch', line: '// news' },
  interval: { kind: 'timer', library: 'setInterval', line: '// an interval' },
};

/** Node.js 20 does not tell where a request of node:http is made, and undici's newest does not run there. */
const CASES = Object.fromEntries(
  Object.entries(ALL).filter(([name]) => NODE_MAJOR >= 22 || !['unread', 'undici'].includes(name)),
);

describe.concurrent.each(Object.entries(CASES))('%s', (name, { kind, library, line }) => {
  test('left behind: found at the line that made it', async () => {
    const { report } = await probed(PROGRAM, [name, 'leak']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, line)]);
    expect(report.findings[0]).toMatchObject({
      kind,
      library,
      certainty: 'likely',
      count: 8,
      acquired: 8,
      released: 0,
    });
  });

  test('ended: no finding, and all are seen to end', async () => {
    const { report } = await probed(PROGRAM, [name, 'clean']);
    expect(report.findings).toEqual([]);
    expect(watched(report, library)).toEqual({ acquired: 8, released: 8 });
    expect(report.processes.map(({ faults }) => faults).filter((faults) => faults > 0)).toEqual([]);
  });
});

test.concurrent.each(['fileHandle', 'directory', 'readStream', 'writeStream'])(
  '%s: dropped while it is open, it is proven to be lost',
  async (name) => {
    const { report } = await probed(PROGRAM, [name, 'drop']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(PROGRAM, CASES[name]?.line ?? '')]);
    expect(report.findings[0]).toMatchObject({ detector: 'collected', certainty: 'proven', count: 8 });
  },
);

test.concurrent('a script without any turns: the files that it leaves open, where these are many', async () => {
  const script = fixture('script.cjs');
  const of = async (variant: string) => (await probed(script, [variant])).report.findings;
  const [left, closed, few] = await Promise.all(['leak', 'clean', 'few'].map(of));
  expect(left).toMatchObject([{ nature: 'file descriptor', certainty: 'likely', count: 30 }]);
  expect(left?.map(placeOf)).toEqual([lineOf(script, '// in one go')]);
  expect([closed, few]).toEqual([[], []]);
});

const ENDS = fixture('handle-ends.mjs');
const NETWORK = new Set([
  'socket',
  'session',
  'server',
  'datagram',
  'agent',
  'unread',
  'fetch',
  'undici',
  'readStream',
  'writeStream',
]);
const librariesOf = (isNetwork: boolean) =>
  Object.entries(CASES).flatMap(([name, { library }]) => (NETWORK.has(name) === isNetwork ? [library] : []));

// by themselves: what is collected, and when, is the machine's affair
test.each([
  [ENDS, [], librariesOf(false)],
  [ENDS, ['thread'], librariesOf(false)],
  [fixture('network-ends.mjs'), [], librariesOf(true)],
  [fixture('network-ends.mjs'), ['thread'], librariesOf(true)],
])('every way that a handle can end is seen, also in a thread: %s %j', async (program, args, libraries) => {
  const { report, stdout } = await probed(program, args);
  expect(stdout).toBe((await start(NODE, [program, ...args])).stdout);
  expect(report.findings).toEqual([]);
  // which contexts are collected by the end is V8's affair: they have a test of their own
  const watchedToEnd = report.watched.filter(({ kind }) => kind !== 'context');
  expect(watchedToEnd.filter(({ acquired, released }) => acquired !== released)).toEqual([]);
  expect(report.watched.map(({ library }) => library)).toEqual(
    expect.arrayContaining(libraries.filter((library) => library !== 'BroadcastChannel')),
  );
  expect(report.processes.every(({ faults }) => faults === 0)).toBe(true);
});

test('functions that were taken before the probe came end what it sees, and make what it does not', async () => {
  using folder = temporaryFolder();
  const program = fixture('captured.cjs');
  const preloads = ['--require', fixture('captured-early.cjs'), '--require', REGISTER];
  const { stdout } = await start(NODE, [...preloads, program], { env: { OUTLIVE_OUT: folder.path } });
  expect(stdout).toBe('16 ways\n');
  const { findings, watched: seen, processes } = readReport(folder.path);
  expect(findings).toEqual([]);
  // the one that goes on
  const server = seen.find(({ library }) => library === 'net.Server');
  expect(server?.acquired).toBe((server?.released ?? 0) + 1);
  const others = seen.filter((row) => row !== server);
  expect(others.filter(({ acquired, released }) => acquired !== released)).toEqual([]);
  expect(others.map(({ library }) => library)).toEqual(expect.arrayContaining(['fs', 'net', 'Worker', 'setInterval']));
  expect(processes.every(({ faults }) => faults === 0)).toBe(true);
});

test.concurrent.each([
  ['kept-handles.mjs', 'a pool in one go, one of each, listeners of many modules'],
  ['kept-network.mjs', 'servers, a pool that grows, an agent for each partner, news that go on'],
])('what is made for life is no leak: %s: %s', async (name) => {
  const { report } = await probed(fixture(name));
  expect(report.findings).toEqual([]);
});

const WEB_SOCKETS = fixture('web-sockets.mjs');

describe.skipIf(NODE_MAJOR < 22)('clients of WebSockets, by Node’s own class', () => {
  test('left open: found at the line that made them', async () => {
    const { report } = await probed(WEB_SOCKETS, ['leak']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(WEB_SOCKETS, '// a WebSocket')]);
    expect(report.findings[0]).toMatchObject({ kind: 'socket', library: 'WebSocket', certainty: 'likely', count: 8 });
  });
  test.each(['close', 'peer'])('that are closed, %s: no finding, and all are seen to end', async (how) => {
    const { report, stdout } = await probed(WEB_SOCKETS, [how]);
    expect(stdout).toBe((await start(NODE, [WEB_SOCKETS, how])).stdout);
    expect(report.findings).toEqual([]);
    expect(watched(report, 'WebSocket')).toEqual({ acquired: 8, released: 8 });
  });
  test('one for each tenant, which connects again: no finding', async () => {
    const { report } = await probed(WEB_SOCKETS, ['tenants']);
    expect(report.findings).toEqual([]);
    expect(watched(report, 'WebSocket')).toEqual({ acquired: 16, released: 8 });
  });
  test('a feed from each of several partners, which goes on: no finding, and no listener is added', async () => {
    const { report, stderr } = await probed(WEB_SOCKETS, ['feeds']);
    expect(stderr).not.toContain('MaxListenersExceededWarning');
    expect(report.findings).toEqual([]);
    expect(watched(report, 'WebSocket')).toEqual({ acquired: 8, released: 0 });
  });
});

const GRANDCHILDREN = fixture('grandchildren.mjs');

describe.skipIf(process.platform !== 'linux')('processes that ended children left running', () => {
  test.each([
    ['node', '// a program'],
    ['shell', '// a shell'],
  ])('by a %s: found at the line that spawned the child', async (what, line) => {
    const { report } = await probed(GRANDCHILDREN, [what, 'leak']);
    expect(report.findings.map(placeOf)).toEqual([lineOf(GRANDCHILDREN, line)]);
    expect(report.findings[0]).toMatchObject({ nature: 'grandchild', certainty: 'likely' });
    // the last one may have come after the last look
    expect(report.findings[0]?.count).toBeGreaterThanOrEqual(7);
  });

  test.each(['node', 'shell'])('those that it waited for are none: %s', async (what) => {
    const { report } = await probed(GRANDCHILDREN, [what, 'clean']);
    expect(report.findings).toEqual([]);
  });

  test('those of another thread’s children are theirs', async () => {
    const { report } = await probed(GRANDCHILDREN, ['thread']);
    expect(report.findings).toEqual([]);
  });

  test('found where they become the program’s own children, as they do in a container', async () => {
    using folder = temporaryFolder();
    // what the first process of a container is by itself
    const becomeReaper = `syscall(${process.arch === 'x64' ? 157 : 167}, 36, 1, 0, 0, 0); exec @ARGV`;
    const args = ['-e', becomeReaper, NODE, '--require', REGISTER, GRANDCHILDREN, 'shell', 'leak'];
    await start('perl', args, { env: { OUTLIVE_OUT: folder.path } });
    expect(readReport(folder.path).findings.map(placeOf)).toEqual([lineOf(GRANDCHILDREN, '// a shell')]);
  });
});

test.concurrent.each([
  ['the last one', 1500, 1300],
  ['one while the program goes on, either', 4500, 2500],
])(
  'contexts that V8 still compiles for are not taken for what is left of a collection: %s',
  async (_, compilesFor, goesOnFor) => {
    using folder = temporaryFolder();
    const program = [fixture('dropped-contexts.mjs'), String(goesOnFor)];
    const args = [`--concurrent-recompilation-delay=${compilesFor}`, '--require', REGISTER, ...program];
    await start(NODE, args, { env: { OUTLIVE_OUT: folder.path } });
    const report = readReport(folder.path);
    expect(report.findings).toEqual([]);
    expect(watched(report, 'node:vm')).toEqual({ acquired: 8, released: 8 });
  },
);

const PILES = fixture('piles.mjs');

test.concurrent.each([
  ['emitter', 'Bus "price"', '// on an emitter', 20],
  ['once', 'Bus "stock"', '// once, which never comes', 20],
  ['stream', 'PassThrough "error"', '// on a stream', 20],
  ['target', 'EventTarget "price"', '// on a target', 20],
  ['signal', 'AbortSignal "abort"', '// on a signal', 20],
  ['object', 'EventTarget "stock"', '// an object', 20],
  // while others come and go: seen when the next ones come
  ['among', 'Bus "news"', '// among others of its line', 19],
  // those before the first that is too many are not
  ['any', 'AbortSignal.any', '// made of a signal', 24],
])('listeners that pile up: %s', async (name, library, line, count) => {
  const { report } = await probed(PILES, [name, 'leak']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(PILES, line)]);
  expect(report.findings[0]).toMatchObject({ kind: 'listener', library, certainty: 'likely', count });
});

test.concurrent.each(['emitter', 'once', 'stream', 'target', 'signal', 'object', 'among', 'any'])(
  'and those that are taken away again: %s',
  async (name) => {
    const { report } = await probed(PILES, [name, 'clean']);
    expect(report.findings).toEqual([]);
  },
);

test.concurrent.each(['emitter', 'once', 'stream', 'target', 'signal'])(
  'found where each fifth stays, though none of these made them more than ever: %s',
  async (name) => {
    const { report } = await probed(PILES, [name, 'some']);
    expect(report.findings).toMatchObject([{ kind: 'listener', certainty: 'likely' }]);
    // of the last one nothing was seen after it had been added
    expect(report.findings[0]?.count).toBeGreaterThanOrEqual(28);
  },
);

test.concurrent('found as well by a process that has long added too many to look at each', async () => {
  const { report } = await probed(PILES, ['emitter', 'late']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(PILES, '// on an emitter')]);
  expect(report.findings[0]).toMatchObject({ library: 'Bus "price"', certainty: 'likely' });
  expect(report.findings[0]?.count).toBeGreaterThanOrEqual(79);
});

test.concurrent('listeners of jobs that go on, where others come and go, are none', async () => {
  const { report } = await probed(PILES, ['emitter', 'subscribers']);
  expect(report.findings).toEqual([]);
  expect(report.watched).toMatchObject([{ kind: 'listener' }]);
});

test.runIf(FOLLOWS_FLOWS)('of many files that one loop opens, the two that it leaves open', async () => {
  const program = fixture('file-handles.mjs');
  const { report } = await probed(program, ['leak']);
  expect(report.findings.map(placeOf)).toEqual([lineOf(program, '// of each turn')]);
  expect(report.findings[0]).toMatchObject({ nature: 'file handle', certainty: 'likely', count: 2 });
  expect((await probed(program, ['clean'])).report.findings).toEqual([]);
});
