/** Holds what the probe found against the truth. */
import type { Certainty } from '../../probe/recording/format.ts';

/** What a program said about itself at its end. */
export interface Truth {
  /** It hung, and was ended at its limit. */
  isCutOff: boolean;
  /** What it had not got back, by name. */
  out: Record<string, number>;
}

export interface Found {
  /** `file:line`, the file relative to the program's folder. */
  place: string;
  certainty: Certainty;
  detector: string;
  count: number;
  /** Who holds it, in words, where that was looked at. */
  heldBy?: string[];
}

/**
 * exact: at an expected line, certain enough; unsure: there, but only a suspect; elsewhere: only at another line;
 * equivalent: the truth is as in the untouched program.
 */
export type Outcome = 'exact' | 'unsure' | 'elsewhere' | 'missed' | 'equivalent';

export interface Judged {
  outcome: Outcome;
  /** What was found at the right line is no mere likelihood. */
  isProven: boolean;
  /** Findings at a line where nothing leaks; suspects do not count as such. */
  falseFindings: Found[];
}

/** How many more than the untouched program's are out. */
export function leaked(truth: Truth, untouched: Truth): number {
  return Object.entries(truth.out).reduce(
    (sum, [name, count]) => sum + Math.max(0, count - (untouched.out[name] ?? 0)),
    0,
  );
}

export function judge(expected: readonly string[], found: readonly Found[], leaks: number): Judged {
  const isRight = ({ place }: Found) => leaks > 0 && expected.includes(place);
  const isCertain = ({ certainty }: Found) => certainty !== 'suspect';
  const falseFindings = found.filter((finding) => isCertain(finding) && !isRight(finding));
  const isProven = found.some((finding) => isRight(finding) && finding.certainty === 'proven');
  return { outcome: outcomeOf(), isProven, falseFindings };

  function outcomeOf(): Outcome {
    if (leaks === 0) return 'equivalent';
    const right = found.filter(isRight);
    // what happened once is never more than a suspect
    if (right.some(isCertain) || (leaks === 1 && right.length > 0)) return 'exact';
    if (right.length > 0) return 'unsure';
    return found.length > 0 ? 'elsewhere' : 'missed';
  }
}
