/**
 * Vitest, 3 to 5: `test: { runner: 'outlive/vitest' }`. The runner is loaded in each worker before the tests' modules
 * are, and with it the probe. A test's hooks run inside its scope, those of a suite inside the suite's.
 */
import { createRequire } from 'node:module';
import type { RunnerTask, RunnerTestCase, RunnerTestSuite, SerializedConfig } from 'vitest';
import { originalIn, type WorkerState } from '../../probe/recording/vitest-maps.ts';
import type * as Core from '../core.ts';
import { watchVmModules } from './vm-modules.ts';

const require = createRequire(import.meta.url);
const { startGuard } = require('../core.js') as typeof Core;

type Hook = (...args: unknown[]) => unknown;
type Hooks = Record<string, Hook[]>;

/** What this runner uses of Vitest's own, whatever its version calls it. */
interface OwnRunner {
  config: SerializedConfig;
  workerState?: object;
  onBeforeRunSuite(suite: RunnerTestSuite): unknown;
  onAfterRunSuite(suite: RunnerTestSuite): unknown;
  onBeforeTryTask(test: RunnerTestCase, options: unknown): unknown;
  runTask?(test: RunnerTestCase): unknown;
}

interface Vitest {
  Runner: new (config: SerializedConfig) => OwnRunner;
  hooksOf(suite: RunnerTestSuite): Hooks;
  testOf(test: RunnerTestCase): Hook;
}

type Current = Vitest['Runner'] & { getSuiteHooks: Vitest['hooksOf']; getTestFn: Vitest['testOf'] };

const { Runner, hooksOf, testOf } = await findVitest();
let workerState: WorkerState = {};
const guard = startGuard({ showsCode: true, original: (frame) => originalIn(workerState, frame) });
watchVmModules(guard, require('node:module'));

/** From Vitest 5 on, all of it is in one place. */
async function findVitest(): Promise<Vitest> {
  const { TestRunner } = (await import('vitest')) as unknown as { TestRunner?: Current };
  if (TestRunner?.getSuiteHooks) {
    return { Runner: TestRunner, hooksOf: TestRunner.getSuiteHooks, testOf: TestRunner.getTestFn };
  }
  const runners: string = 'vitest/runners';
  const suites: string = 'vitest/suite';
  const { VitestTestRunner } = await import(runners);
  const { getHooks, getFn } = await import(suites);
  return { Runner: VitestTestRunner, hooksOf: getHooks, testOf: getFn };
}

/** Hooks of a test, which are given its context. What is around a test ends after it, so that its suite is asked for it. */
const OF_TEST = ['beforeEach', 'afterEach'];

export default class GuardedRunner extends Runner {
  readonly #scopes: WeakMap<RunnerTask, Core.Scope> = new WeakMap();

  constructor(config: SerializedConfig) {
    super(config);
    workerState = this.workerState ?? {};
  }

  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onBeforeRunSuite(suite);
    const hooks = hooksOf(suite);
    for (const [name, list] of Object.entries(hooks)) {
      const isOfTest = OF_TEST.includes(name);
      for (const [index, hook] of list.entries()) list[index] = this.#inScope(hook, isOfTest, suite);
    }
  }

  override async runTask(test: RunnerTestCase): Promise<void> {
    await guard.run(this.#scopeOf(test), () => (super.runTask ? super.runTask(test) : testOf(test)()));
  }

  /** After all hooks of one attempt: what is to be done when a test has finished is done latest first. */
  override async onBeforeTryTask(test: RunnerTestCase, options: unknown): Promise<void> {
    await super.onBeforeTryTask(test, options);
    const finishing = test as { onFinished?: (() => unknown)[] };
    finishing.onFinished ??= [];
    finishing.onFinished.unshift(() => this.#judge(test, test.result?.state === 'pass' && !test.fails));
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    if (suite.mode !== 'skip') await this.#judge(suite, suite.result?.state === 'pass');
    await super.onAfterRunSuite(suite);
  }

  /** What has failed already is not judged. */
  #judge(task: RunnerTestCase | RunnerTestSuite, isDue: boolean): Promise<void> | void {
    const scope = this.#scopes.get(task);
    if (!scope) return;
    this.#scopes.delete(task);
    for (const error of task.result?.errors ?? []) guard.failed(error);
    if (!isDue) return guard.drop(scope);
    return guard.judge(scope)?.then((leak) => this.#fail(task, leak));
  }

  #fail(task: RunnerTestCase | RunnerTestSuite, leak: Core.Leak | null): void {
    if (!leak || !task.result) return;
    const { message, stack } = leak;
    task.result.state = 'fail';
    task.result.errors ??= [];
    task.result.errors.push({ name: 'LeakError', message, stack });
  }

  #inScope(hook: Hook, isOfTest: boolean, suite: RunnerTestSuite): Hook {
    const taskOf = (args: unknown[]): RunnerTask => {
      const context = args.find((each) => typeof each === 'object' && each !== null && 'task' in each);
      return isOfTest && context ? (context as { task: RunnerTestCase }).task : suite;
    };
    const scoped = (...args: unknown[]) => guard.run(this.#scopeOf(taskOf(args)), () => hook(...args));
    // Vitest keeps a hook's timeout and the place of its call on it
    return Object.defineProperties(scoped, Object.getOwnPropertyDescriptors(hook));
  }

  #scopeOf(task: RunnerTask): Core.Scope {
    const known = this.#scopes.get(task);
    if (known) return known;
    const outer = task.suite ?? (task.file === task ? null : task.file);
    const kind = task.type === 'test' ? 'test' : 'suite';
    const scope = guard.begin(task.name, kind, outer ? this.#scopeOf(outer) : null);
    this.#scopes.set(task, scope);
    return scope;
  }
}
