/** What is to be said of all the resources of a verdict, gathered one by one: there may be very many. */
import type { Resource } from '../account/ledger.ts';
import type { Scope, ScopeTotals } from '../account/scope.ts';
import { OTHER } from '../account/scope-names.ts';
import type { ScopeShare, TraceContext } from '../recording/format.ts';
import { SharedTraits } from './shared-traits.ts';

/** Of one finding. */
const MAX_TRACES = 5;

/** Scopes of one name that left something. */
interface Runs {
  count: number;
  errors: Set<string | null>;
}

export class Leaked {
  count = 0;
  /** Whose connection was destroyed, and its place given back. */
  healed = 0;
  readonly traits: SharedTraits = new SharedTraits();
  readonly #pools: Set<string | null> = new Set();
  readonly #scopes: Set<Scope> = new Set();
  readonly #runs: Map<string, Runs> = new Map();
  readonly #traces: Map<string, TraceContext> = new Map();

  add(resource: Resource): void {
    const { account, scope, trace } = resource;
    this.count++;
    if (resource.isHealed) this.healed++;
    this.traits.add(resource);
    this.#pools.add(account.source.pool?.name ?? null);
    if (trace !== null && this.#traces.size < MAX_TRACES) this.#traces.set(trace.traceId, trace);
    if (scope === null || this.#scopes.has(scope)) return;
    this.#scopes.add(scope);
    const runs = this.#runs.get(scope.name) ?? { count: 0, errors: new Set() };
    runs.count++;
    runs.errors.add(scope.failedWith);
    this.#runs.set(scope.name, runs);
  }

  /** Its name, when all are of one pool. */
  get pool(): string | null {
    return this.#pools.size === 1 ? ([...this.#pools][0] ?? null) : null;
  }

  /** The service's own spans, if it traces: each once. */
  get traces(): { traces?: TraceContext[] } {
    return this.#traces.size === 0 ? {} : { traces: [...this.#traces.values()] };
  }

  shares(totals: ReadonlyMap<string, ScopeTotals>): ScopeShare[] {
    return [...this.#runs].map(([name, { count, errors }]) => {
      const [error = null] = errors;
      const known = totals.get(name);
      const isOnly = errors.size === 1 && error !== null && error !== OTHER && known?.failedWith.get(error) === count;
      return { name, ended: known?.ended ?? count, leaked: count, failedWith: isOnly ? error : null };
    });
  }
}

export function leakedOf(resources: Iterable<Resource>): Leaked {
  const leaked = new Leaked();
  for (const resource of resources) leaked.add(resource);
  return leaked;
}
