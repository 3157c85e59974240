/** A fault and what came of it, as sentences. */
import path from 'node:path';
import { mask } from '../../probe/recording/mask.ts';
import type { Point } from './points.ts';

/** `the 2nd query at orders.ts:31`. */
export function nameOf({ fault: { kind, ordinal }, site, of }: Point): string {
  const which = of > 1 ? `${ordinalOf(ordinal)} ` : '';
  return mask(`the ${which}${kind} at ${path.basename(site.file)}:${site.line}`);
}

function ordinalOf(number: number): string {
  const teen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(teen ? undefined : ['th', 'st', 'nd', 'rd'][number % 10]) ?? 'th'}`;
}
