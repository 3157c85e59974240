/** How a job's module is loaded to plan it: in a native context of its own, or in a thread that ends. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadInContext } from '../pipeline/cluster/planning/module-context.ts';
import { ContextPlanner, planInWorker } from '../pipeline/cluster/planning/plan.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

function module(name: string, text: string): string {
  const file = join(folder.path, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const LIMIT = { limitMs: 1000 };

test('each load has globals and modules of its own, and shares the packages that are not named', () => {
  module('part.cjs', 'exports.loaded = {};');
  module('node_modules/driver/package.json', '{"main":"index.js"}');
  module('node_modules/driver/index.js', 'exports.pools = [];');
  const file = module(
    'job.cjs',
    'globalThis.seen = (globalThis.seen ?? 0) + 1; exports.seen = seen; exports.part = require("./part.cjs"); exports.driver = require("driver"); exports.list = [];',
  );
  type Loaded = { seen: number; part: object; driver: object; list: unknown[] };
  const [one, other] = [loadInContext(file, LIMIT), loadInContext(file, LIMIT)] as unknown as [Loaded, Loaded];
  expect([one.seen, other.seen]).toEqual([1, 1]);
  expect(one.part).not.toBe(other.part);
  expect(one.driver).toBe(other.driver);
  expect(Object.getPrototypeOf(one.list)).not.toBe(Array.prototype);
  const own = { ...LIMIT, ownPackages: ['driver'] };
  const third = loadInContext(file, own) as unknown as Loaded;
  expect(third.driver).not.toBe(one.driver);
});

test('when the heap has no room for one more, the plan is refused, and the process lives on', async () => {
  const file = module('small.cjs', 'exports.plan = () => ({ parallelism: 3 });');
  const request = { file, options: undefined, limitMs: 1000 };
  expect(await new ContextPlanner().plan(request)).toEqual({ parallelism: 3, options: undefined });
  await expect(new ContextPlanner(1000).plan(request)).rejects.toMatchObject({
    ...{ status: 503, code: 'out-of-memory', message: expect.stringMatching(/^Out of memory: the job's module/) },
  });
});

test.each([
  ['throws nothing', 'throw null', 'The module cannot be planned: Error: null.'],
  [
    'throws too many words',
    'throw new Error("x".repeat(1e6))',
    `The module cannot be planned: Error: ${'x'.repeat(10_000 - 'Error: '.length)}.`,
  ],
  ['throws what has no words', 'throw Object.create(null)', 'The module cannot be planned: Error: it has no words.'],
  [
    'plans what cannot be sent',
    'exports.plan = () => ({ parallelism: 1, options: { n: 1n } })',
    'The module\'s plan has "options" that are no plain data: TypeError: Do not know how to serialize a BigInt.',
  ],
  [
    'plans too much',
    'exports.plan = () => ({ parallelism: 1, options: "x".repeat(2 ** 21) })',
    'The module\'s plan has "options" of more than 1024 kB.',
  ],
])('a module that %s is refused, here and in a thread', async (name, text, message) => {
  const request = { file: module(`${name}.cjs`, text), options: null, limitMs: 5000 };
  const refusal = { status: 400, code: 'broken-module', message };
  await expect(new ContextPlanner().plan(request)).rejects.toMatchObject(refusal);
  await expect(planInWorker(request)).rejects.toMatchObject(refusal);
});

test('what a module does to the options that were submitted stays with it', async () => {
  const file = module('greedy.cjs', 'exports.plan = (o) => ({ parallelism: o.lanes++, options: o });');
  const options = { lanes: 2 };
  const plan = await new ContextPlanner().plan({ file, options, limitMs: 1000 });
  expect(plan).toEqual({ parallelism: 2, options: { lanes: 3 } });
  expect(options).toEqual({ lanes: 2 });
});

test('a module that throws nothing once its plan is under way is refused', async () => {
  const file = module('late.cjs', 'setTimeout(() => { throw null; }); exports.plan = () => new Promise(() => {});');
  await expect(planInWorker({ file, options: null, limitMs: 5000 })).rejects.toMatchObject({
    ...{ status: 400, code: 'broken-module', message: 'The module cannot be planned: Error: null.' },
  });
});

test('what a module leaves behind in a thread ends with the thread', async () => {
  const file = module('leaves.cjs', 'setInterval(() => {}, 1e6); exports.plan = (o) => ({ parallelism: o.lanes });');
  const request = { file, limitMs: 5000 };
  expect(await planInWorker({ ...request, options: { lanes: 2 } })).toEqual({ parallelism: 2, options: undefined });
  await expect(planInWorker({ ...request, options: { lanes: 0 } })).rejects.toMatchObject({
    ...{ status: 400, code: 'broken-module', message: 'The module\'s plan has no "parallelism" from 1 to 1024.' },
  });
  const hungry = module('hungry.cjs', 'const all = []; for (;;) all.push(new Array(1e5).fill({}));');
  await expect(planInWorker({ file: hungry, options: null, limitMs: 60_000 })).rejects.toMatchObject({
    ...{ status: 503, code: 'out-of-memory' },
  });
});

test('what a module posts to its parent by itself is not taken for its plan', async () => {
  const text = 'const { parentPort } = require("node:worker_threads"); for (const word of [null, "ready", {}])';
  const file = module('posts.cjs', `${text} parentPort.postMessage(word); exports.plan = () => ({ parallelism: 2 });`);
  expect(await planInWorker({ file, options: null, limitMs: 5000 })).toMatchObject({ parallelism: 2 });
});
