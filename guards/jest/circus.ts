/** The events of jest-circus: scopes around its tests and hooks, and what they owe when they are over. */
import type { Guard, Scope } from '../core.ts';

type Work = (this: unknown, ...args: unknown[]) => unknown;

interface Block {
  type: 'describeBlock';
  name: string;
  parent?: Block;
  children: (Block | Test)[];
  hooks: { type: string; fn: Work; parent: Block }[];
}

interface Test {
  type: 'test';
  name: string;
  parent: Block;
  fn?: Work;
  mode?: string | null;
  failing?: boolean;
  errors: unknown[];
}

export interface State {
  currentlyRunningTest: Test | null;
  rootDescribeBlock: Block;
  unhandledErrors: unknown[];
}

export type Event =
  | { name: 'run_start' }
  | { name: 'test_done'; test: Test }
  | { name: 'test_fn_failure' | 'hook_failure'; error: unknown }
  | { name: 'run_describe_finish'; describeBlock: Block }
  | { name: 'other' };

const NOT_RUN = ['skip', 'todo'];

export class CircusGuard {
  readonly #guard: Guard;
  readonly #scopes: WeakMap<Block | Test, Scope> = new WeakMap();

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Nothing to wait for is no promise: there are a dozen events a test. */
  told(event: Event, state: State): Promise<void> | undefined {
    if (event.name === 'run_start') this.#wrapAll(state.rootDescribeBlock, state);
    else if (event.name === 'test_done') return this.#judgeTest(event.test);
    // before Jest makes words of what node:assert throws
    else if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.#guard.failed(event.error);
    else if (event.name === 'run_describe_finish') return this.#judgeBlock(event.describeBlock, state);
    return undefined;
  }

  #judgeTest(test: Test): Promise<void> | undefined {
    const scope = this.#scopes.get(test);
    if (!scope) return undefined;
    // what is tried again is another test
    this.#scopes.delete(test);
    for (const error of test.errors.flat()) this.#guard.failed(error);
    if (test.errors.length > 0 || test.failing || NOT_RUN.includes(test.mode ?? '')) {
      this.#guard.drop(scope);
      return;
    }
    return this.#guard.judge(scope)?.then((leak) => {
      if (leak) test.errors.push(leak.error);
    });
  }

  /** A suite has no errors of its own in Jest: its file fails. */
  #judgeBlock(block: Block, state: State): Promise<void> | undefined {
    const scope = this.#scopes.get(block);
    return (scope && this.#guard.judge(scope))?.then((leak) => {
      if (leak) state.unhandledErrors.push(leak.error);
    });
  }

  #wrapAll(block: Block, state: State): void {
    for (const hook of block.hooks) {
      const isOfTest = hook.type.endsWith('Each');
      hook.fn = this.#inScope(hook.fn, () => (isOfTest && state.currentlyRunningTest) || hook.parent);
    }
    for (const child of block.children) {
      if (child.type === 'describeBlock') this.#wrapAll(child, state);
      else if (child.fn) child.fn = this.#inScope(child.fn, () => child);
    }
  }

  #inScope(work: Work, of: () => Block | Test): Work {
    // how a generator runs is Jest's affair
    if (work.constructor.name === 'GeneratorFunction') return work;
    const { run, scopeOf } = {
      run: <T>(scope: Scope, inside: () => T) => this.#guard.run(scope, inside),
      scopeOf: () => this.#scopeOf(of()),
    };
    const scoped: Work = function scoped(...args) {
      return run(scopeOf(), () => Reflect.apply(work, this, args));
    };
    // by which Jest knows that it takes a callback
    return Object.defineProperty(scoped, 'length', { value: work.length });
  }

  #scopeOf(of: Block | Test): Scope {
    const known = this.#scopes.get(of);
    if (known) return known;
    const kind = of.type === 'test' ? 'test' : 'suite';
    const scope = this.#guard.begin(of.name, kind, of.parent ? this.#scopeOf(of.parent) : null);
    this.#scopes.set(of, scope);
    return scope;
  }
}
