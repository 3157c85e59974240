/** What the leaking ones of a line have in common and those that came back have not, as far as the numbers show it. */

import type { Resource } from '../account/ledger.ts';
import { sqlShape } from '../recording/mask.ts';
import type { Group } from './detectors/detector.ts';
import { largest, median, smallest, span } from './detectors/words.ts';

/** Releases that make a comparison. */
const ENOUGH = 3;

/** One plain sentence each. */
export function commonTo({ accounts }: Group, leaked: readonly Resource[]): string[] {
  const released = accounts.reduce((total, account) => total + account.released, 0);
  const sentences: string[] = [];

  const usual = accounts.reduce((total, { usesReleased }) => total + usesReleased, 0) / released;
  const most = largest(leaked.map(({ uses }) => uses));
  if (released >= ENOUGH && usual >= 1 && most < usual - 0.5) {
    sentences.push(
      `Returned early: at most ${most} operation${most === 1 ? '' : 's'} on each, where those that came back did ${usual.toFixed(1)} on average.`,
    );
  }

  const waited = accounts.reduce((total, { waitedReleased }) => total + waitedReleased, 0) / released;
  const least = smallest(leaked.map(({ waitedMs }) => waitedMs));
  if (released >= ENOUGH && least > 10 * waited && least > 100) {
    sentences.push(
      `Each had waited for at least ${span(least)}, where those that came back waited ${span(waited)} on average.`,
    );
  }

  const operations = new Map<string, number>();
  for (const { lastOperation } of leaked) {
    if (lastOperation === null) continue;
    const shape = sqlShape(lastOperation);
    operations.set(shape, (operations.get(shape) ?? 0) + 1);
  }
  const [last] = [...operations].sort(([, a], [, b]) => b - a);
  if (last) {
    const idle = median(leaked.map(({ lastUsedAt, openedAt }) => lastUsedAt - openedAt));
    const share = operations.size === 1 ? '' : `, for ${last[1]} of ${leaked.length}`;
    const when = idle < 1 ? 'right after' : `${span(idle)} after`;
    sentences.push(`Last done with it, ${when} it was acquired${share}: ${last[0]}`);
  }
  return sentences;
}
