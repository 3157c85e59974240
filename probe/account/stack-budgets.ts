/** How many stacks may be taken: stacks are what costs, and each kind of thing has a budget of its own. */
import { now } from '../process/runtime.ts';
import { STACK_BUDGETS, type StackBudgetName } from '../recording/natures.ts';
import type { Source } from './ledger.ts';
import { Stakes } from './stakes.ts';

/** A burst, so that short programs and start-up are seen whole, then what is granted. */
export class StackBudget {
  private tokens: number;
  constructor(burst: number) {
    // never whole, as after a grant: V8 would have compiled all that asks for whole numbers
    this.tokens = burst + 0.5;
  }
  get isLeft(): boolean {
    return this.tokens >= 1;
  }
  take(): boolean {
    if (!this.isLeft) return false;
    this.tokens--;
    return true;
  }
  /** So many from now on. What was granted before does not add up: rest is not to be paid for later. */
  grant(stacks: number): void {
    // parts of a stack do add up
    this.tokens = Math.max(this.tokens, stacks + (this.tokens < 1 ? this.tokens : 0));
  }
}

export class StackBudgets {
  private readonly budgets: Map<StackBudgetName, StackBudget>;
  /** Set when the probe is over its budget: none beyond the rationed ones, not of suspects either. */
  isSparing = false;
  private readonly stakes: Stakes;
  /** Called after each grant. */
  readonly whenGranted: (() => void)[] = [];

  /** `limit`: of each burst; 0 for none, Infinity for as many as are asked for. */
  constructor(limit: number | null, stakes: Stakes = new Stakes()) {
    this.stakes = stakes;
    const names = Object.keys(STACK_BUDGETS) as StackBudgetName[];
    this.budgets = new Map(names.map((name) => [name, new StackBudget(limit ?? STACK_BUDGETS[name])]));
  }

  /** Whether what is asked for at `askedAt` gets a stack; Infinity: something of a moment, which no suspicion concerns. */
  take(source: Source, askedAt: number): boolean {
    return this.budgetOf(source)?.take() || this.isArmed(source, askedAt);
  }

  /** Whether what is asked for now would get one. */
  hasNow(source: Source): boolean {
    if (this.budgetOf(source)?.isLeft) return true;
    // few are ever armed: for the others nobody looks at the clock
    return source.armedUntil !== Number.NEGATIVE_INFINITY && this.isArmed(source, now());
  }

  private budgetOf(source: Source): StackBudget | null {
    source.budget ??= this.budgets.get(source.nature.stacks) ?? null;
    return source.budget;
  }

  private isArmed({ armedUntil }: Source, at: number): boolean {
    return at < armedUntil && !this.isSparing;
  }

  /** Whether something of a moment would get one. */
  has(source: Source): boolean {
    return this.budgetOf(source)?.isLeft === true;
  }

  /** `stacks` for all together, at most `most` for each. */
  grant(stacks: number, most: number): void {
    for (const budget of this.budgets.values()) budget.grant(Math.min(stacks / this.budgets.size, most));
    this.stakes.grants++;
    for (const granted of this.whenGranted) granted();
  }
}
