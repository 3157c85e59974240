import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compare } from '../heap/compare.ts';
import { grown } from '../heap/growth.ts';
import { lookInto } from '../heap/look.ts';
import { parse } from '../heap/parse.ts';
import { Reach } from '../heap/reach.ts';
import { readSnapshot, type Snapshot } from '../heap/snapshot.ts';
import { heldBy } from '../heap/words.ts';
import { writesTo } from '../heap/writes-to.ts';
import type { RecordedFinding } from '../probe/recording/format.ts';
import { type Holder, type ReachOfLine, withReach } from '../probe/recording/reach.ts';
import { CLI, fixture, lineOf, NODE, REGISTER, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Who can still reach it, read from a snapshot of the heap in another process: of any kind of thing, on every Node.js.

/** As a driver's: its socket tells it what comes, and holds it by that; it looks after itself by a timer. */
const CLIENT = `class Pings {
  constructor(socket) {
    new Promise((resolve) => void setTimeout(() => resolve(this.sent = socket.write('ping')), 1e6));
  }
}
module.exports = class Client {
  answers = [];
  constructor(port) {
    this.socket = require('node:net').connect(port, '127.0.0.1').on('data', (data) => this.answers.push(data));
    this.pings = new Pings(this.socket);
  }
};
class Socketed {
  constructor(port) {
    this.socket = require('node:net').connect(port, '127.0.0.1').on('data', () => this.last = Date.now());
    this.begin();
  }
}
module.exports.kinds = {
  'client that is a function'(port) {
    const socket = require('node:net').connect(port, '127.0.0.1').on('data', () => sql.last = Date.now());
    const sql = (text) => socket.write(text);
    return sql;
  },
  'client that awaits its timer': (port) => new (class Loop extends Socketed {
    async begin() {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 1e6));
        this.socket.write('ping');
      }
    }
  })(port),
  'client of which a timer has a method': (port) => new (class Heart extends Socketed {
    begin() {
      const beat = (send) => send('beat');
      setInterval(beat.bind(null, this.socket.write.bind(this.socket)), 1e6);
      setInterval(beat.bind(null, this.send.bind(this)), 1e6);
    }
    send(text) {
      this.socket.write(text);
    }
  })(port),
};`;
const program = fixture('heap.cjs');
const folder = temporaryFolder();
const file = path.join(folder.path, 'app.heapsnapshot');
let looks: ReachOfLine[];
const lookAt = (key: string) => looks.find((look) => look.key === key);
beforeAll(async () => {
  // under the probe, which must not stand between a thing and who holds it
  const env = { OUTLIVE_OUT: folder.path };
  // in a folder that is called as the probe's own is
  const own = path.join(folder.path, 'dist/probe', path.basename(program));
  cpSync(program, own);
  const client = path.join(folder.path, 'node_modules/a-client/index.js');
  mkdirSync(path.dirname(client), { recursive: true });
  writeFileSync(client, CLIENT);
  expect(await start(NODE, ['--require', REGISTER, own, file], { env })).toMatchObject({ code: 0 });
  const snapshot = readSnapshot(file);
  looks = lookInto(snapshot, new Reach(snapshot));
});
afterAll(() => folder[Symbol.dispose]());

test.each(['dropped', 'stuck', 'cycle', 'removed', 'lent', 'pool of threads'])('lost, %s: nobody reaches it', (key) => {
  expect(lookAt(key)).toEqual({ key, marked: 1, unreachable: 1, held: [] });
});

const at = (text: string) => path.basename(lineOf(program, text));
test.each([
  ['map', 'cache: Map'],
  ['list', 'kept: Array'],
  ['both', 'shelf: Object'],
  ['listener', `listener of "end" at ${at("orders.on('end'")}`],
  ['timer', at('setTimeout(() => lease.used++')],
  ['callback', at('lease.onMessage = ')],
  ['sleeper', `waiting in a function at ${at('async sleeper(lease)')}`],
])('held, %s: by %s', (key, words) => {
  expect(lookAt(key)).toMatchObject({ marked: 1, unreachable: 0 });
  expect(lookAt(key)?.held.join()).toContain(words);
});

test('nothing of the probe’s own is told to hold anything', () => {
  const snapshot = readSnapshot(file);
  const reach = new Reach(snapshot);
  const all = Array.from({ length: snapshot.size }, (_, node) => node);
  const own = all.filter((node) => path.dirname(REGISTER) === path.dirname(snapshot.placeOf(node)?.file ?? ''));
  expect(own.length).toBeGreaterThan(0);
  const words = own.flatMap((node) => heldBy(snapshot, reach, node));
  expect(words.filter((word) => / at (?:probe|judge|register)\.js:/.test(word))).toEqual([]);
});

const KINDS = ['interval', 'server', 'datagram socket', 'file stream', 'watcher', 'port', 'worker', 'child', 'socket'];
describe.each(KINDS)('a %s', (kind) => {
  test('that was dropped is held by Node’s own lists alone', () => {
    expect(lookAt(`${kind} dropped`)).toMatchObject({ unreachable: 1 });
  });
  test('that is kept is held, and by whom is told', () => {
    expect(lookAt(`${kind} kept`)).toMatchObject({ unreachable: 0, held: [expect.stringContaining('kept: Array')] });
  });
});

describe.each([
  'response',
  'client that is a function',
  'client that awaits its timer',
  'client of which a timer has a method',
])('a %s', (kind) => {
  test('that was dropped is lost', () => {
    expect(lookAt(`${kind} dropped`)).toEqual({ key: `${kind} dropped`, marked: 1, unreachable: 1, held: [] });
  });
  test('that is kept is held', () => {
    expect(lookAt(`${kind} kept`)).toMatchObject({ unreachable: 0, held: [expect.stringContaining('kept: Array')] });
  });
});

describe('a client', () => {
  test('that only its own socket and a method of its own that a timer calls still hold was dropped', () => {
    expect(lookAt('client dropped')).toMatchObject({ marked: 1, unreachable: 1 });
  });
  test.each([
    ['kept', 'kept: Array'],
    // they may be what ends it, and are judged by themselves
    ['of a timer', `timer at ${at("'of a timer'")}`],
    ['of an open socket', `a function at ${at("mark('socket', net")}`],
  ])('that is %s is held', (how, words) => {
    expect(lookAt(`client ${how}`)).toMatchObject({ unreachable: 0, held: [expect.stringContaining(words)] });
  });
});

test('of two snapshots, what there is more of is told with its holder', () => {
  const snapshot = readSnapshot(file);
  expect(grown(snapshot, snapshot, new Reach(snapshot))).toEqual([]);
});

describe('what is new in a later snapshot', () => {
  const holding = fixture('holders.cjs');
  let holders: Holder[];
  beforeAll(async () => {
    const files = ['before', 'after'].map((name) => path.join(folder.path, `${name}.heapsnapshot`));
    const env = { OUTLIVE_OUT: path.join(folder.path, 'holders') };
    expect(await start(NODE, ['--require', REGISTER, holding, ...files], { env })).toMatchObject({ code: 0 });
    const [before, after] = files.map(readSnapshot) as [Snapshot, Snapshot];
    holders = compare(before, after).holders;
  });

  test.each([
    ['a variable', 'cache: Object'],
    ['a private field', 'sessions: Sessions → #byId: Object'],
    ['a closure’s variable', 'seen: Object'],
    ['a static property', 'registry: Object'],
    ['a global variable', 'metrics: Object'],
    ['objects in an object', 'state: Object → byTenant: Object'],
    ['a list', 'history: Array'],
    ['a Map', 'index: Map'],
    ['a store by what is bound to it', 'bound: Array'],
    ['a store by a promise', 'promise: Promise'],
    ['a store by timers', 'timers at holders.cjs:'],
  ])('is held by %s, which is told with the line that adds to it', (comment, words) => {
    const line = lineOf(holding, `// ${comment.replace('’', "'")}`);
    const told = holders.find(({ lines: [first] }) => first && `${first.file}:${first.line}` === line);
    expect(told?.held).toContain(words);
    expect(told?.bytes).toBeGreaterThan(150_000);
    expect(told?.lines).toHaveLength(1);
  });
});

test.each([
  ['this.#byId[id] = row;', '#byId'],
  ["(rows['a'] ??= {})[key] = 1;", 'rows'],
  ['Object.assign(this.rows, { [key]: row });', 'rows'],
  ['rows?.push(row);', 'rows'],
])('%s adds to %s', (text, name) => {
  expect(addedTo(name, text)).toEqual([2]);
});

test.each([
  ['if (rows[key] === row) return;', 'rows'],
  ['arrows[key] = row;', 'rows'],
  ['rows.delete(key);', 'rows'],
  ['const find = (key) => rows[key];', 'rows'],
  ['rows[key] = row;', 'row[s'],
])('%s does not add to %s', (text, name) => {
  expect(addedTo(name, text)).toEqual([]);
});

/** Lines of a source whose second line is `text`. */
function addedTo(name: string, text: string): number[] {
  const source = path.join(folder.path, 'source.js');
  writeFileSync(source, `// rows\n${text}\n`);
  return writesTo(name, ['node:fs', path.join(folder.path, 'none.js'), source]).map(({ line }) => line);
}

test('a snapshot is read piece by piece, whatever is written in its strings', () => {
  const { snapshot, nodes, edges, locations, strings } = JSON.parse(readFileSync(file, 'utf8'));
  expect(strings).toContain('a "quoted" \\ and Größe\n]}');
  const parsed = parse(file);
  expect(parsed.meta).toEqual(snapshot.meta);
  expect(parsed.strings).toEqual(strings);
  const sameNumbers = (read: Uint32Array, all: number[]) =>
    read.length === all.length && all.every((each, i) => each === read[i]);
  expect(sameNumbers(parsed.nodes, nodes)).toBe(true);
  expect(sameNumbers(parsed.edges, edges)).toBe(true);
  expect(sameNumbers(parsed.locations, locations)).toBe(true);
});

test('what is no snapshot is told in a sentence', () => {
  const other = path.join(folder.path, 'other.heapsnapshot');
  for (const text of ['', '{}', '{"nodes":', '{"nodes":[1,2],"strings":["a', '{"snapshot":{"meta":{', 'plain text']) {
    writeFileSync(other, text);
    expect(() => readSnapshot(other), text).toThrow(`${other} is no heap snapshot.`);
  }
  expect(() => readSnapshot(`${other}.none`)).toThrow('cannot be read (ENOENT).');
});

test.each([
  ['lease', 'suspect', 'proven'],
  ['interval', 'likely', 'proven'],
  // it may be meant to run for ever
  ['interval', 'suspect', 'suspect'],
] as const)('a %s that is %s and that nobody reaches is %s', (nature, certainty, expected) => {
  const finding = { nature, certainty, site: 1, evidence: ['still open'] } as unknown as RecordedFinding;
  const told = withReach(finding, { key: 'x', marked: 3, unreachable: 3, held: [] });
  expect(told.certainty).toBe(expected);
  expect(told.evidence[0]).toBe(
    'In a heap snapshot nobody could reach 3 of the 3 that were open here: only lists of its library’s or Node’s own held them.'.replaceAll(
      '’',
      "'",
    ),
  );
});

test('of what ends by being collected nothing is proven where nobody reaches it: it is about to', () => {
  const finding = { nature: 'context', certainty: 'likely', site: 1, evidence: ['still there'] };
  const told = withReach(finding as unknown as RecordedFinding, { key: 'x', marked: 3, unreachable: 3, held: [] });
  expect(told).toEqual({ ...finding, held: [] });
});

test('outlive heap says what there is more of in a later snapshot, and who holds it', async () => {
  using own = temporaryFolder();
  const [before, after] = ['warm', 'later'].map((name) => path.join(own.path, `${name}.heapsnapshot`)) as [
    string,
    string,
  ];
  const service = path.join(own.path, 'service.cjs');
  writeFileSync(
    service,
    `const { writeHeapSnapshot } = require('node:v8');
class Order { constructor(n) { this.n = n; } }
const orders = new Map();
writeHeapSnapshot(process.argv[2]);
for (let n = 0; n < 5000; n++) orders.set(n, new Order(n));
globalThis.find = (n) => orders.get(n); // kept
writeHeapSnapshot(process.argv[3]);
`,
  );
  expect(await start(NODE, [service, before, after])).toMatchObject({ code: 0 });
  const { code, stdout } = await start(NODE, [CLI, 'heap', before, after]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^5,000 more Order, \d+ kB\n {2}held by .*orders: Map/m);
  expect(stdout).toMatch(/^\d+ kB of what is new held by .*orders: Map\n {2}see .*service\.cjs:5$/m);
  const same = await start(NODE, [CLI, 'heap', '--json', before, before]);
  expect(JSON.parse(same.stdout)).toEqual([]);
  const wrong = await start(NODE, [CLI, 'heap', before]);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^outlive: outlive heap needs two snapshots, or the folder of a run: .*\n$/);
  const missing = await start(NODE, [CLI, 'heap', 'nowhere']);
  expect(missing).toMatchObject({ code: 2, stderr: 'outlive: There is no nowhere.\n' });
});
