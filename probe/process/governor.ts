/** How little the probe does when it costs too much: a share of the process's CPU time is its budget. */

/** Own CPU milliseconds that may be ahead of the budget: start-up, first stacks, a spell of armed stacks. */
const CREDIT = 1500;
/** An idle process may be watched too: own CPU milliseconds per second, whatever it uses. */
const FREE_PER_SECOND = 5;
/** Of the budget, what stacks may take while nothing is suspected. */
const STACK_SHARE = 0.1;
/** Stacks per second that even an idle process gets. */
const FEW_STACKS = 15;
/** Looks for which a step down must have been too little before the next one is taken. */
const PATIENCE = 2;

/** What is left out, one step after the other. */
const STEPS = [
  'stacks beyond a few each second, also of suspects',
  'judging more often than every ten seconds',
  'new timers',
] as const;

export class Governor {
  /** How many of the steps are taken: 0 is the normal state. */
  step = 0;
  private readonly percent: number;
  private readonly tell: (what: string) => void;
  private credit: number;
  private lastOwn = 0;
  private lastAll = 0;
  private lastAt: number;
  private since = 0;
  private deepest = 0;

  /** `percent` of the process's CPU time is the budget; `tell` hears of each step when it is first taken. */
  constructor(percent: number, at: number, tell: (what: string) => void) {
    this.percent = percent;
    this.credit = CREDIT * Math.min(1, percent);
    this.lastAt = at;
    this.tell = tell;
  }

  /** `own` and `all`: CPU milliseconds of the probe and of the whole process so far. Returns stacks to be granted. */
  look(own: number, all: number, at: number, costOfStack: number): number {
    const seconds = (at - this.lastAt) / 1000;
    const budget = (this.percent / 100) * (all - this.lastAll);
    const left = budget + FREE_PER_SECOND * Math.min(1, this.percent) * seconds - (own - this.lastOwn);
    this.credit = Math.min(CREDIT, this.credit + left);
    [this.lastOwn, this.lastAll, this.lastAt] = [own, all, at];
    this.settle(left < 0);
    const few = FEW_STACKS * seconds;
    return this.step > 0 ? few : few + (STACK_SHARE * budget) / costOfStack;
  }

  private settle(isTooMuch: boolean): void {
    if (++this.since < PATIENCE) return;
    if (isTooMuch && this.credit < 0 && this.step < STEPS.length) this.step++;
    else if (this.credit > CREDIT / 2 && this.step > 0) this.step--;
    else return;
    this.since = 0;
    if (this.step <= this.deepest) return;
    this.deepest = this.step;
    this.tell(`${STEPS[this.step - 1]}: the probe took more than ${this.percent} % of CPU time (OUTLIVE_CPU_PERCENT)`);
  }
}
