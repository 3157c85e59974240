/**
 * Lines that statements of several kinds are given at: a service's own `run(text)`. What left something is then further
 * up. Known by comparing a few statements that come after one which left something.
 */
import type { Site } from '../../account/site.ts';
import type { Effect } from './effects.ts';

/** Statements that are compared after each that leaves something, and of how many of these at one line. */
const COMPARED = 6;
const OFTEN = 5;
/** Lines that are remembered. */
const MAX_LINES = 2000;

const SEVERAL = 'several';

export class Helpers {
  readonly #kinds: Map<string, string> = new Map();
  #left = 0;

  get compares(): boolean {
    return this.#left > 0;
  }

  /** What comes next is to be compared with what was left `times` times so far. */
  begin(times: number): void {
    if (times < OFTEN) this.#left = COMPARED;
  }

  /** A statement that has these effects was given at `site`. */
  note({ user, stack }: Site, effects: readonly Effect[]): void {
    if (this.#left > 0) this.#left--;
    const kind = effects.map(kindOf).join();
    for (const index of user) {
      const line = lineOf(stack[index]);
      const known = this.#kinds.get(line);
      if (known === undefined && this.#kinds.size < MAX_LINES) this.#kinds.set(line, kind);
      else if (known !== undefined && known !== kind) this.#kinds.set(line, SEVERAL);
    }
  }

  /** How far above the top user frame the first is that is no helper's; 0 where all are. */
  depthOf({ user, stack }: Site): number {
    const depth = user.findIndex((index) => this.#kinds.get(lineOf(stack[index])) !== SEVERAL);
    return Math.max(0, depth);
  }
}

function kindOf(effect: Effect): string {
  if (effect.does === 'leave') return `leave ${effect.nature} ${effect.value === null ? '' : effect.key}`;
  return effect.does === 'undo' ? `undo ${effect.nature}` : effect.does;
}

function lineOf(frame: Site['stack'][number] | undefined): string {
  return frame ? `${frame.file}:${frame.line}:${frame.column}` : '';
}
