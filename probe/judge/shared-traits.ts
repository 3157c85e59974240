/** What the leaking ones of a line have in common and those that came back have not, as far as the numbers show it. */

import type { Resource } from '../account/ledger.ts';
import { sqlShape } from '../recording/sql-shape.ts';
import type { Group } from './detectors/detector.ts';
import { median, span } from './detectors/words.ts';

/** Releases that make a comparison. */
const ENOUGH = 3;
/** So many leaking ones tell what was last done with all of them. */
const SAMPLE = 1000;

export class SharedTraits {
  #count = 0;
  #mostUses = 0;
  #leastWaited = Number.POSITIVE_INFINITY;
  readonly #operations: Map<string, number> = new Map();
  readonly #lastUsedAfter: number[] = [];

  add({ uses, waitedMs, lastOperation, lastUsedAt, openedAt }: Resource): void {
    this.#mostUses = Math.max(this.#mostUses, uses);
    this.#leastWaited = Math.min(this.#leastWaited, waitedMs);
    if (this.#count++ >= SAMPLE) return;
    this.#lastUsedAfter.push(lastUsedAt - openedAt);
    if (lastOperation === null) return;
    // of equal ones there may be many: their shape is made once, and only where it is told
    this.#operations.set(lastOperation, (this.#operations.get(lastOperation) ?? 0) + 1);
  }

  /** One plain sentence each. */
  sentences({ accounts }: Pick<Group, 'accounts'>): string[] {
    const measured = accounts.reduce((total, account) => total + account.measured, 0);
    const sentences: string[] = [];

    const usual = accounts.reduce((total, { usesReleased }) => total + usesReleased, 0) / measured;
    const most = this.#mostUses;
    if (measured >= ENOUGH && usual >= 1 && most < usual - 0.5) {
      sentences.push(
        `Returned early: at most ${most} operation${most === 1 ? '' : 's'} on each, where those that came back did ${usual.toFixed(1)} on average.`,
      );
    }

    const waited = accounts.reduce((total, { waitedReleased }) => total + waitedReleased, 0) / measured;
    const least = this.#leastWaited;
    if (measured >= ENOUGH && least > 10 * waited && least > 100) {
      sentences.push(
        `Each had waited for at least ${span(least)}, where those that came back waited ${span(waited)} on average.`,
      );
    }

    const shapes = this.#shapes();
    const [last] = [...shapes].sort(([, a], [, b]) => b - a);
    if (last) {
      const idle = median(this.#lastUsedAfter);
      const share = shapes.size === 1 ? '' : `, for ${last[1]} of ${Math.min(this.#count, SAMPLE)}`;
      const when = idle < 1 ? 'right after' : `${span(idle)} after`;
      sentences.push(`Last done with it, ${when} it was acquired${share}: ${last[0]}`);
    }
    return sentences;
  }

  #shapes(): Map<string, number> {
    const shapes = new Map<string, number>();
    for (const [operation, count] of this.#operations) {
      const shape = sqlShape(operation);
      shapes.set(shape, (shapes.get(shape) ?? 0) + count);
    }
    return shapes;
  }
}
