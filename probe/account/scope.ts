/**
 * Scopes: the span of work that a resource was acquired in, a job run or a request. A scope holds numbers and names
 * only, never the request: pooled sockets keep the frame that points to it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncContextFrame, now } from '../process/runtime.ts';
import type { Resource } from './resource.ts';

export interface Scope {
  id: number;
  name: string;
  kind: 'job' | 'request';
  began: number;
  /** 0 while it runs. */
  ended: number;
  failedWith: string | null;
  /** What was opened in it last, while that is open. */
  latest: Resource | null;
}

export interface ScopeTotals {
  name: string;
  kind: Scope['kind'];
  began: number;
  ended: number;
  failed: number;
  /** Ended scopes by the error they failed with. */
  failedWith: Map<string, number>;
}

/** More names than this are one: a path with an id in it must not grow the ledger. */
const MAX_NAMES = 500;
const OTHER = '(other)';

export class Scopes {
  readonly totals: Map<string, ScopeTotals> = new Map();
  /** Called when a job run ends. */
  onRunEnd: (scope: Scope) => void = () => {};
  private storage: AsyncLocalStorage<Scope> | null = null;
  private nextId = 1;
  readonly requests: boolean;

  /** `requests`: whether HTTP requests are to become scopes, see the setting. */
  constructor(requests: 'auto' | 'on' | 'off') {
    this.requests = requests === 'on' || (requests === 'auto' && asyncContextFrame);
    if (this.requests) this.storage = new AsyncLocalStorage();
  }

  current(): Scope | null {
    return this.storage?.getStore() ?? null;
  }

  begin(name: string, kind: Scope['kind']): Scope {
    const totals = this.totalsOf(name, kind);
    totals.began++;
    return { id: this.nextId++, name: totals.name, kind, began: now(), ended: 0, failedWith: null, latest: null };
  }

  end(scope: Scope, failedWith: string | null): void {
    if (scope.ended !== 0) return;
    scope.ended = now();
    scope.latest = null;
    scope.failedWith = failedWith;
    const totals = this.totalsOf(scope.name, scope.kind);
    totals.ended++;
    if (failedWith !== null) {
      totals.failed++;
      totals.failedWith.set(failedWith, (totals.failedWith.get(failedWith) ?? 0) + 1);
    }
    if (scope.kind === 'job') this.onRunEnd(scope);
  }

  /** Runs a job as a scope; it ends when the job's promise settles. */
  run<T>(name: string, job: () => T): T {
    this.storage ??= new AsyncLocalStorage();
    const scope = this.begin(name, 'job');
    let result: T;
    try {
      result = this.storage.run(scope, job);
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
    this.storage?.enterWith(scope);
  }

  private totalsOf(name: string, kind: Scope['kind']): ScopeTotals {
    let totals = this.totals.get(name);
    if (!totals) {
      if (this.totals.size >= MAX_NAMES && name !== OTHER) return this.totalsOf(OTHER, kind);
      totals = { name, kind, began: 0, ended: 0, failed: 0, failedWith: new Map() };
      this.totals.set(name, totals);
    }
    return totals;
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && error.name === 'Error' ? code : error.name;
}
