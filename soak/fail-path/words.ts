/** A fault and what came of it, as sentences. */
import path from 'node:path';
import { mask } from '../../probe/recording/mask.ts';
import type { Point } from './points.ts';

/** `the 2nd query at orders.ts:31`. */
export function nameOf({ fault: { kind, ordinal }, site, of }: Point): string {
  const which = of > 1 ? `${ordinalOf(ordinal)} ` : '';
  return mask(`the ${which}${kind} at ${path.basename(site.file)}:${site.line}`);
}

/** With and without, one after the other, until it is sure. */
export const TIMES = 3;

export function recipeOf(point: Point): string {
  return `Stays open if and only if ${nameOf(point)} fails: ${TIMES} of ${TIMES} times with that fault, never in ${TIMES - 1} without.`;
}

function ordinalOf(number: number): string {
  const teen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(teen ? undefined : ['th', 'st', 'nd', 'rd'][number % 10]) ?? 'th'}`;
}
