/**
 * node:test, preloaded: `node --test --require outlive/node-test`.
 *
 * Its tests are objects of a class that it does not export, which is met when the first one is made. A test runs inside a
 * scope of its own, with its hooks; what `before` and `after` open belongs to their suite. What Node tells of a test is
 * held back until it is judged.
 */
import { createHook } from 'node:async_hooks';
import type * as Core from './core.ts';
import type { Guard, Leak, Scope } from './core.ts';

type Work = (...args: unknown[]) => unknown;

interface NodeTest {
  name: string;
  parent: NodeTest | null;
  /** Of a hook, which is made of the same class. */
  hookType?: string;
  passed: boolean;
  skipped: boolean;
  isTodo: boolean;
  expectFailure?: unknown;
  run(...args: unknown[]): Promise<void>;
  runInAsyncScope(fn: Work, self: unknown, ...args: unknown[]): unknown;
  runHook(hook: string, args: unknown): Promise<void>;
  postRun(pending?: unknown): void;
  fail(error: unknown): void;
  createSubtest(Class: { prototype: NodeTest }, ...args: unknown[]): NodeTest;
  createHook(name: string, hook: () => void, options: object): void;
}

/** The process that `node --test` is starts others, and runs no test itself. */
const isRunner =
  process.execArgv.includes('--test') &&
  process.env.NODE_TEST_CONTEXT === undefined &&
  !process.execArgv.some((flag) => /^--(?:experimental-)?test-isolation=none$/.test(flag));

if (!isRunner) watch((require('./core.js') as typeof Core).startGuard({ showsCode: false, original: null }));

function watch(guard: Guard): void {
  const hook = createHook({
    init(_, type, __, resource) {
      if (type !== 'Test') return;
      hook.disable();
      guardTests(guard, resource as NodeTest);
    },
  });
  hook.enable();
}

/** `first`: an object of the class of all tests. That of suites is met when the first of them is made. */
function guardTests(guard: Guard, first: NodeTest): void {
  const scopes = new WeakMap<NodeTest, Scope>();
  const scopeOf = (test: NodeTest): Scope => {
    const known = scopes.get(test);
    if (known) return known;
    const scope = guard.begin(test.name, isSuite(test) ? 'suite' : 'test', test.parent && scopeOf(test.parent));
    scopes.set(test, scope);
    // without a hook of its own there would be none to judge the file by
    if (test.parent === null) test.createHook('after', () => {}, { parent: test, hookType: 'after' });
    return scope;
  };
  const runGuarded = async (run: NodeTest['run'], test: NodeTest, args: unknown[]): Promise<void> => {
    const scope = scopeOf(test);
    const told = holdBack(test);
    try {
      await guard.run(scope, () => Reflect.apply(run, test, args));
      const judged = judge(guard, test, scope);
      const leak = judged && (await judged);
      if (leak) test.fail(failureOf(leak));
    } finally {
      told();
    }
  };
  const guardRun = (prototype: NodeTest): void => {
    const { run } = prototype;
    prototype.run = function guarded(this: NodeTest, ...args) {
      return isGuarded(this) ? runGuarded(run, this, args) : Reflect.apply(run, this, args);
    };
  };

  const prototype: NodeTest = Object.getPrototypeOf(first);
  const { runHook, createSubtest, runInAsyncScope, fail } = prototype;
  const suites = new Set<NodeTest>([prototype]);
  guardRun(prototype);
  prototype.fail = function guarded(this: NodeTest, error) {
    guard.failed(error);
    return Reflect.apply(fail, this, [error]);
  };
  prototype.createSubtest = function guarded(this: NodeTest, Class, ...args) {
    if (Object.hasOwn(Class.prototype, 'run') && !suites.has(Class.prototype)) {
      suites.add(Class.prototype);
      guardRun(Class.prototype);
    }
    return Reflect.apply(createSubtest, this, [Class, ...args]);
  };
  // what a test does, Node runs in the context that the test was made in
  prototype.runInAsyncScope = function guarded(this: NodeTest, work, ...args) {
    const scope = guard.current();
    const scoped: Work = scope
      ? function scoped(this: unknown, ...given) {
          return guard.run(scope, () => Reflect.apply(work, this, given));
        }
      : work;
    return Reflect.apply(runInAsyncScope, this, [scoped, ...args]);
  };
  prototype.runHook = async function guarded(this: NodeTest, hook, args) {
    if (hook !== 'before' && hook !== 'after') return Reflect.apply(runHook, this, [hook, args]);
    await guard.run(scopeOf(this), () => Reflect.apply(runHook, this, [hook, args]));
    // all others are judged when they have run; the root runs until the process ends
    if (hook !== 'after' || this.parent !== null) return;
    guard.watchEnd();
    const leak = await guard.judge(scopeOf(this));
    if (leak) throw failureOf(leak);
  };
}

/** Not the root, which is the file; nor a hook; nor a file, to the process that starts others. */
function isGuarded(test: NodeTest): boolean {
  return test.parent !== null && test.hookType === undefined && test.constructor.name !== 'FileTest';
}

function isSuite(test: NodeTest): boolean {
  return test.parent === null || test.constructor.name === 'Suite';
}

/** What has failed already, or is not to succeed, is not judged. */
function judge(guard: Guard, test: NodeTest, scope: Scope): Promise<Leak | null> | null {
  const { passed, skipped, isTodo, expectFailure } = test;
  if (passed && !skipped && !isTodo && !expectFailure) return guard.judge(scope);
  guard.drop(scope);
  return null;
}

/** The test says that it is over only when what is returned is called. */
function holdBack(test: NodeTest): () => void {
  const { postRun } = test;
  let isOver = false;
  test.postRun = function held(this: NodeTest, pending) {
    // its parent gives up waiting for it
    if (pending !== undefined) Reflect.apply(postRun, this, [pending]);
    else isOver = true;
  };
  return () => {
    test.postRun = postRun;
    if (isOver) test.postRun();
  };
}

/** As Node's own errors of tests are. */
function failureOf(leak: Leak): Error {
  const failure = new Error(leak.message);
  return Object.assign(failure, { code: 'ERR_TEST_FAILURE', failureType: 'testCodeFailure', cause: leak.error });
}
