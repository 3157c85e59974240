/** What each section of the page is made from. */
import type { Recording } from '../../probe/recording/format.ts';
import type { Finding, Report } from '../../probe/recording/report.ts';
import type { Comparison } from '../compare.ts';
import type { Step } from '../held-over-time.ts';

export interface PageContext {
  report: Report;
  /** Empty when only report.json is known. */
  recordings: readonly Recording[];
  /** With the baseline; null without one. */
  comparison: Comparison | null;
  /** How many were open at the lines of findings over time, where that is known. */
  held: ReadonlyMap<Finding, readonly Step[]>;
  /** Of the outermost process: paths are said relative to it. */
  cwd: string;
}
