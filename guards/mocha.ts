/**
 * Mocha, preloaded: `mocha --require outlive/mocha`, also with `--parallel`.
 *
 * Mocha tells that a test has passed before its `afterEach` hooks run, and a hook that fails ends its suite. So where
 * something is still open when a test's function is over, and only there, its hooks run at once, and then it is judged.
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type Guard, type Scope, startGuard } from './core.ts';

interface Suite {
  title: string;
  parent?: Suite;
  _createHook(title: string, work: () => void): object;
}

interface Test {
  title: string;
  parent: Suite;
  state?: string | undefined;
  pending: boolean;
}

type Done = (error?: unknown, suite?: Suite) => void;

interface Runner {
  test: Test;
  suite: Suite;
  runTest(done: Done): void;
  hook(name: string, done: Done): void;
  hookUp(name: string, done: Done): void;
  fail(runnable: object, error: Error): void;
  once(event: string, told: () => void): void;
}

const AFTER_EACH = 'afterEach';
const AFTER_ALL = 'afterAll';
const OF_TEST = ['beforeEach', AFTER_EACH];

// as it was before a test put a clock of its own in its place
const { setImmediate: originalSetImmediate } = globalThis;

const guard = startGuard({ showsCode: false, original: null });
const folder = /^.*[\\/]mocha(?=[\\/])/.exec(realpathSync(process.argv[1] ?? ''))?.[0];
/** Such a run goes on for ever. Also where a file of settings says so, which Mocha reads once more. */
function isWatching(): boolean {
  try {
    const file = ['options.cjs', 'options.js'].map((name) => path.join(folder ?? '', 'lib/cli', name)).find(existsSync);
    const { loadOptions } = require(file ?? '') as { loadOptions(args: string[]): { watch?: boolean } };
    return loadOptions(process.argv.slice(2)).watch === true;
  } catch {
    return false;
  }
}

if (folder) {
  // from Mocha 12 on it is an ES module
  type Class = { prototype: Runner };
  const loaded = require(path.join(folder, 'lib/runner.js')) as Class | { Runner: Class };
  guardRunner(guard, ('Runner' in loaded ? loaded.Runner : loaded).prototype);
}

function guardRunner(guard: Guard, prototype: Runner): void {
  const { runTest, hook, hookUp } = prototype;
  const scopes = new WeakMap<Suite | Test, Scope>();
  /** What came of hooks that ran before their turn. */
  const early = new WeakMap<Runner, Parameters<Done>>();
  const ending = new WeakSet<Runner>();

  const scopeOf = (of: Suite | Test): Scope => {
    const known = scopes.get(of);
    if (known) return known;
    const kind = '_createHook' in of ? 'suite' : 'test';
    const scope = guard.begin(of.title, kind, of.parent ? scopeOf(of.parent) : null);
    scopes.set(of, scope);
    return scope;
  };
  const judge = (scope: Scope, done: (error: Error | null) => void): void => {
    const judged = guard.judge(scope);
    if (judged) judged.then((leak) => originalSetImmediate(done, leak?.error ?? null));
    else done(null);
  };
  const judgeTest = (runner: Runner, test: Test, done: Done): void => {
    test.state = 'passed';
    Reflect.apply(hookUp, runner, [
      AFTER_EACH,
      (...came: Parameters<Done>) => {
        early.set(runner, came);
        judge(scopeOf(test), (error) => {
          test.state = undefined;
          done(error ?? undefined);
        });
      },
    ]);
  };

  prototype.runTest = function guarded(this: Runner, done) {
    const { test } = this;
    const over: Done = (error) => {
      guard.failed(error);
      if (error || test.pending) guard.drop(scopeOf(test));
      else if (guard.isOwing(scopeOf(test))) return judgeTest(this, test, done);
      done(error);
    };
    guard.run(scopeOf(test), () => Reflect.apply(runTest, this, [over]));
  };
  prototype.hookUp = function guarded(this: Runner, name, done) {
    const came = early.get(this);
    early.delete(this);
    if (came) return done(...came);
    const { test } = this;
    Reflect.apply(hookUp, this, [
      name,
      (...came: Parameters<Done>) => {
        guard.end(scopeOf(test));
        done(...came);
      },
    ]);
  };
  prototype.hook = function guarded(this: Runner, name, done) {
    if (!ending.has(this)) this.once('end', () => isWatching() || guard.watchEnd());
    ending.add(this);
    const { suite } = this;
    const scope = scopeOf(OF_TEST.includes(name) && this.test ? this.test : suite);
    const over: Done = (...came) => {
      if (name !== AFTER_ALL || came[0]) return done(...came);
      judge(scope, (error) => {
        if (error)
          this.fail(
            suite._createHook('outlive', () => {}),
            error,
          );
        done(...came);
      });
    };
    guard.run(scope, () => Reflect.apply(hook, this, [name, over]));
  };
}
