import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { functionText } from '../heap/function-text.ts';
import { lookInto } from '../heap/look.ts';
import { Reach } from '../heap/reach.ts';
import { readSnapshot } from '../heap/snapshot.ts';
import type { ReachOfLine } from '../probe/recording/reach.ts';
import { fixture, NODE, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// Code of the program that only machinery calls may end a thing that nobody holds: then it is not lost.

const program = fixture('ends-itself.cjs');
const folder = temporaryFolder();
let looks: ReachOfLine[];
beforeAll(async () => {
  looks = await looksAt();
});
afterAll(() => folder[Symbol.dispose]());
async function looksAt(...only: string[]): Promise<ReachOfLine[]> {
  const file = path.join(folder.path, 'app.heapsnapshot');
  expect(await start(NODE, [program, file, ...only])).toMatchObject({ code: 0 });
  const snapshot = readSnapshot(file);
  return lookInto(snapshot, new Reach(snapshot));
}
const lookAt = (key: string) => looks.find((look) => look.key === key);

test.each([
  'an interval by its callback',
  'an interval by a variable of a block',
  'an interval by its this',
  'an interval by a method that another calls',
  'an interval by a method that is bound',
  'an interval by a key of an object',
  'an interval by a method that a loop calls',
  'a port by an object that listens',
  'a socket by the stream that it is piped into',
  'a socket by a listener that all share',
  'an interval by the end of a socket',
  'a watcher by the end of a child',
  'a watcher by its news',
  'a thread by its message',
  'a child by its output',
  'a socket by its time-out',
  'a socket by the this of its time-out',
  'a server by its first connection',
  'a socket by a function that awaits its data',
])('%s may end, and is held by that', (key) => {
  expect(lookAt(key)).toMatchObject({ marked: 1, unreachable: 0, held: expect.anything() });
});

test('what calls a method whose name is worked out may call any', async () => {
  expect(await looksAt('an interval by a method whose name is worked out')).toMatchObject([{ unreachable: 0 }]);
});

test.each([
  'an interval whose stop function was dropped',
  'an interval whose object was dropped',
  'a watcher by the end of a child, itself',
  'a watcher that counts',
  'a thread that only fails',
  'a child that is read',
  'a socket that is read',
  'a server that serves',
  'a socket by a function that awaits what never comes',
])('%s is lost: what its own code names does not end it', (key) => {
  expect(lookAt(key)).toMatchObject({ marked: 1, unreachable: 1, held: [] });
});

let sources = 0;
/** Of the function that begins at `from` in `text`. */
function textOf(text: string, from: string): { words: string; isArrow: boolean } | null {
  const file = path.join(folder.path, `source-${sources++}.js`);
  writeFileSync(file, text);
  const before = text.slice(0, text.indexOf(from)).split('\n');
  const told = functionText({ file, line: before.length, column: (before.at(-1) ?? '').length + 1 });
  return told && { words: [...told.words].join(' '), isArrow: told.isArrow };
}

test.each([
  ['const a = (x) => x + poll;\nconst b = 1;', '(x)', 'x poll', true],
  ['f(() => clearInterval(t), outside);', '() =>', 'clearInterval t', true],
  ['const c = async y => { await y; /* } */ return cc; }; d();', 'async', 'async y await return cc', true],
  ['const d = one => one\n  .two, e = three;', 'one =>', 'one two', true],
  ['const e = function named(q) { if (/[}/]/.test(q)) q(); }; f();', '(q) {', 'q if test', false],
  ['const g = (q) => { if (q) /}/.test(w); z(); }; f();', '(q)', 'q if test w z', true],
  [`const f = (q) => { r(\`t \${q + '}'} }\`, '}'); return s; }; g();`, '(q)', 'q r t $ return s', true],
  ['class K { m(z) { return this.z / z / 2; } other() {} }', '(z)', 'z return this', false],
  ['x(class K { m(z) { return 1; } }, other);', 'class', 'class K m z return', false],
])('of %s, what begins at %s names %s', (text, from, words, isArrow) => {
  expect(textOf(text, from)).toEqual({ words, isArrow });
});

test.each([
  ['() => Object.values(timers).forEach(clearInterval)', true, false],
  ['() => clearInterval(timers[id])', true, false],
  ['() => this["on" + kind]()', true, true],
  ['() => clearInterval([timer].at(0))', false, false],
])('whether %s goes through keys: %s, and calls by them: %s', (text, goesThroughKeys, callsAny) => {
  const file = path.join(folder.path, `keys-${sources++}.js`);
  writeFileSync(file, text);
  expect(functionText({ file, line: 1, column: 1 })).toMatchObject({ goesThroughKeys, callsAny });
});

test('lines and columns are those of V8', () => {
  const file = path.join(folder.path, 'lines.js');
  writeFileSync(file, '\uFEFF(a) => a;\r\n(b) => b;\u2028(c) => c;\r(d) => d;');
  const words = [1, 2, 3, 4].map((line) => [...(functionText({ file, line, column: 1 })?.words ?? [])].join());
  expect(words).toEqual(['a', 'b', 'c', 'd']);
});

test('of what is compiled as it is loaded, and of what is no function, nothing is known', () => {
  expect(functionText({ file: '/srv/jobs.ts', line: 1, column: 1 })).toBe(null);
  expect(functionText({ file: path.join(folder.path, 'none.js'), line: 1, column: 1 })).toBe(null);
  expect(textOf('const a = 1;', 'const')).toBe(null);
  expect(textOf('const a = 1;', '1')).toBe(null);
});
