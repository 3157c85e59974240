/**
 * Scopes: the span of work that a resource was acquired in, a job run or a request. A scope holds numbers and names
 * only, never the request: pooled sockets keep the frame that points to it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncContextFrame, now } from '../process/runtime.ts';
import { mask } from '../recording/mask.ts';
import type { Resource } from './resource.ts';
import { OTHER, ScopeNames, type ScopeTotals, UNFOLLOWED } from './scope-names.ts';
import { Stakes } from './stakes.ts';

export type { ScopeTotals } from './scope-names.ts';

export type TestKind = 'test' | 'suite';

/** What a request failed with whose client left before the response was sent. */
export const ABORTED = 'aborted';

export interface Scope {
  readonly id: number;
  readonly name: string;
  readonly kind: ScopeTotals['kind'] | TestKind;
  /** The test or suite that it is part of. Never a job or request: a job that starts the next one would be a chain without end. */
  readonly within: Scope | null;
  readonly began: number;
  /** 0 while it runs. */
  ended: number;
  failedWith: string | null;
  /** What was opened in it last, while that is open. */
  latest: Resource | null;
}

export class CountedScope implements Scope {
  readonly id: number;
  readonly kind: ScopeTotals['kind'];
  readonly within: Scope | null;
  readonly began: number = now();
  ended = 0;
  failedWith: string | null = null;
  latest: Resource | null = null;
  readonly #counted: ScopeTotals;

  constructor(id: number, counted: ScopeTotals, within: Scope | null) {
    this.id = id;
    this.within = within;
    this.kind = counted.kind;
    this.#counted = counted;
  }

  /** Of all scopes of its name. */
  get totals(): ScopeTotals {
    return this.#counted.into ?? this.#counted;
  }

  get name(): string {
    return this.totals.name;
  }
}

/** Characters of a name. */
const MAX_NAME = 120;
/** Of one name: errors beyond these are not told apart. */
const MAX_ERRORS = 20;
/** Names that were masked already. */
const MAX_MASKED = 500;

export class Scopes {
  /** Called when a job run ends. */
  onRunEnd: (scope: Scope) => void = () => {};
  readonly requests: boolean;
  readonly stakes: Stakes;
  #storage: AsyncLocalStorage<Scope | undefined> | null = null;
  /** There were jobs or tests: what they began may go on for long after them. */
  #hasLasting = false;
  #nextId = 1;
  /** That run at this moment. */
  readonly #tests: Set<Scope> = new Set();
  readonly #names = new ScopeNames();
  /** Requests that came and went, and are not among the names yet. No `#`: to store in such a field is slow until V8 has optimised it. */
  private passed = 0;
  /** As they are written, by what the service calls them. */
  readonly #masked: Map<unknown, string> = new Map();

  /** `requests`: whether HTTP requests are to become scopes, see the setting. */
  constructor(requests: 'auto' | 'on' | 'off', stakes: Stakes = new Stakes()) {
    this.stakes = stakes;
    this.requests = requests === 'on' || (requests === 'auto' && asyncContextFrame);
    if (this.requests) this.#storage = new AsyncLocalStorage();
  }

  get totals(): ReadonlyMap<string, ScopeTotals> {
    if (this.passed > 0) this.#names.pass(UNFOLLOWED, 'request', this.passed);
    this.passed = 0;
    return this.#names.all;
  }

  current(): Scope | null {
    const scope = this.#storage?.getStore() ?? null;
    // where callbacks run in the context of whoever made their connection, that may be a test of long ago
    if (scope === null || scope.kind !== 'test' || scope.ended === 0 || asyncContextFrame) return scope;
    return this.#onlyTest() ?? scope;
  }

  /** Whether there is one, as far as the stakes know: short, for what comes by with each acquire. */
  get isAny(): boolean {
    return this.stakes.contexts > 0 && this.#storage?.getStore() !== undefined;
  }

  /** `name` is written down as it is. */
  begin(name: string, kind: ScopeTotals['kind']): CountedScope {
    this.stakes.contexts++;
    return new CountedScope(this.#nextId++, this.#names.begin(name, kind), this.#testAround(kind));
  }

  /** Neither counted nor written down. `within`: the suite, or the test, around it. */
  beginTest(name: string, kind: TestKind, within: Scope | null): Scope {
    const scope = { id: this.#nextId++, name, kind, within, began: now(), ended: 0, failedWith: null, latest: null };
    if (kind === 'test') this.#tests.add(scope);
    return scope;
  }

  endTest(scope: Scope): void {
    scope.ended = now();
    scope.latest = null;
    this.#tests.delete(scope);
  }

  /** Runs `work` in a test or suite, which goes on after it. */
  runIn<T>(scope: Scope, work: () => T): T {
    return this.#lasting().run(scope, work);
  }

  #lasting(): AsyncLocalStorage<Scope | undefined> {
    if (!this.#hasLasting) this.stakes.contexts++;
    this.#hasLasting = true;
    this.#storage ??= new AsyncLocalStorage();
    return this.#storage;
  }

  /** The innermost test that runs, where no other runs beside it. */
  #onlyTest(): Scope | null {
    const latest = [...this.#tests].at(-1) ?? null;
    for (const test of this.#tests) if (latest !== null && !isWithin(latest, test)) return null;
    return latest;
  }

  /** A request to a server that all tests share is made by the test that runs, if only one does. */
  #testAround(kind: ScopeTotals['kind']): Scope | null {
    const own = testOf(this.current());
    return kind === 'request' && own?.kind !== 'test' ? (this.#onlyTest() ?? own) : own;
  }

  end(scope: CountedScope, failedWith: string | null): void {
    if (scope.ended !== 0) return;
    scope.ended = now();
    scope.latest = null;
    this.stakes.contexts--;
    const { totals } = scope;
    totals.ended++;
    if (failedWith !== null) {
      const { failedWith: errors } = totals;
      scope.failedWith = errors.size < MAX_ERRORS || errors.has(failedWith) ? failedWith : OTHER;
      totals.failed++;
      errors.set(scope.failedWith, (errors.get(scope.failedWith) ?? 0) + 1);
    }
    if (scope.kind === 'job') this.onRunEnd(scope);
  }

  /** Runs a job as a scope; it ends when the job's promise settles. */
  run<T>(name: string, job: () => T): T {
    const storage = this.#lasting();
    const scope = this.begin(this.#maskedName(name), 'job');
    let result: T;
    try {
      result = storage.run(scope, job);
    } catch (error) {
      this.end(scope, errorName(error));
      throw error;
    }
    if (!isThenable(result)) {
      this.end(scope, null);
      return result;
    }
    return result.then(
      (value: unknown) => {
        this.end(scope, null);
        return value;
      },
      (error: unknown) => {
        this.end(scope, errorName(error));
        throw error;
      },
    ) as T;
  }

  /** Makes `scope` current for the rest of this callback and all that follows from it. */
  enter(scope: Scope): void {
    this.#storage?.enterWith(scope);
  }

  /**
   * A request came of which no more is known. The rest of this callback is of no scope: whatever it was called in is
   * somebody else's.
   */
  pass(): void {
    this.passed++;
    if (this.isAny) this.#storage?.enterWith(undefined);
  }

  /** No work is a scope any more. */
  stop(): void {
    this.#storage?.disable();
    this.#storage = null;
  }

  /** What the service says is no more than text: it may be long, hold secrets, or be no text at all. */
  #maskedName(name: unknown): string {
    let masked = this.#masked.get(name);
    if (masked === undefined) {
      masked = typeof name === 'string' || typeof name === 'number' ? mask(String(name), MAX_NAME) : '(unnamed)';
      if (this.#masked.size >= MAX_MASKED) this.#masked.clear();
      if (typeof name === 'string' && name.length <= MAX_NAME) this.#masked.set(name, masked);
    }
    return masked;
  }
}

/** The innermost test or suite that a scope is part of, or is. */
export function testOf(scope: Scope | null): Scope | null {
  return scope === null || scope.kind === 'test' || scope.kind === 'suite' ? scope : scope.within;
}

/** Whether `scope` is `outer`, or part of it. */
export function isWithin(scope: Scope | null, outer: Scope): boolean {
  for (let each = scope; each !== null; each = each.within) if (each === outer) return true;
  return false;
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Codes are words in capitals, numbers, or words with dashes: anything else may hold what the error is about. */
const CODE = /^(?:[A-Z][A-Z\d_-]{0,47}|[\dA-Z]{5}|[a-z]{1,24}(?:[-/_.][a-z]{1,24}){0,4})$/;
const NAME = /^[A-Za-z_$][\w$.]{0,79}$/;

/** Its code, or the name of its class. */
export function errorName(error: unknown): string {
  try {
    if (!(error instanceof Error)) return typeof error;
    const { name, code } = error as NodeJS.ErrnoException;
    if (name === 'Error' && typeof code === 'string' && CODE.test(code)) return code;
    return NAME.test(name) ? name : 'Error';
  } catch {
    // a getter of the service threw
    return 'Error';
  }
}
