/**
 * What may be at stake in a call that is hooked. Each one asks that first, and most go on at once: so it is a few numbers
 * in one place, kept by those who know, where asking them would be dear.
 */

/** Marks are told apart by when they came, in so many steps; what is older is not waited for. */
const STEPS = 64;
/** … so many, where it is not of what is given back. */
const STEPS_OF_OTHERS = 2;

export class Stakes {
  /** Scopes and marks that may be current somewhere. With none there is nothing of ours in any context: nobody need look. */
  contexts = 0;
  /** How often stacks were granted: whether what is asked for gets a stack is only asked again after the next time. */
  grants = 0;
  /** Why what is lent again may be more than one lease more: it may be a known connection, or something is left in its session. */
  lent = 0;
  private step = STEPS;
  private readonly marks: number[] = new Array(STEPS).fill(0);

  /**
   * A mark may be current from now on, until `left` is told what this returns. Not for ever: what is not given back in a
   * minute, or is of another kind and open for a second or two, was judged, or its flow goes on without an end.
   */
  came(isGivenBack: boolean): number {
    const step = isGivenBack ? this.step : this.step - STEPS + STEPS_OF_OTHERS;
    this.add(step, 1);
    return step;
  }

  /** A mark matters no more, that came at `step`; 0: that was told already. */
  left(step: number): void {
    if (step > this.step - STEPS) this.add(step, -1);
  }

  /** The same of what keeps the step, which then has none. */
  leaves(marked: { step: number }): void {
    this.left(marked.step);
    marked.step = 0;
  }

  private add(step: number, count: number): void {
    const at = step % STEPS;
    this.marks[at] = (this.marks[at] ?? 0) + count;
    this.contexts += count;
  }

  /** Called about once a second. */
  pass(): void {
    this.step++;
    const at = this.step % STEPS;
    this.contexts -= this.marks[at] ?? 0;
    this.marks[at] = 0;
  }
}
