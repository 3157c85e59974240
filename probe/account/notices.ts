/**
 * Notices: traps of a library that were recognised as somebody fell into them. They are no leaks and change no verdict,
 * but without them the symptom is all one sees.
 */
import type { Notice } from '../recording/format.ts';

/** More than these are no longer told apart: a name per pool must not grow without end. */
const MAX_NOTICES = 200;

export class Notices {
  /** Called before each look, for what no event tells: something that has been hanging for too long. */
  readonly lookouts: (() => void)[] = [];
  private readonly known: Map<string, Notice> = new Map();
  private readonly changed: Set<Notice> = new Set();

  /** It happened once more, or, with `isSame`, the latest time is told in new words. */
  tell(notice: Omit<Notice, 'count'>, isSame: boolean = false): void {
    const key = JSON.stringify([notice.library, notice.pool, notice.name]);
    const known = this.known.get(key);
    if (!known && this.known.size >= MAX_NOTICES) return;
    const told = Object.assign(known ?? { ...notice, count: 0 }, notice);
    if (!known || !isSame) told.count++;
    this.known.set(key, told);
    this.changed.add(told);
  }

  /** What was told since the last look. */
  look(): Notice[] {
    for (const lookout of this.lookouts) lookout();
    const news = [...this.changed];
    this.changed.clear();
    return news;
  }
}
