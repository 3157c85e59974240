/** What each section of the page is made from. */
import type { Recording } from '../../probe/recording/format.ts';
import type { Report } from '../../probe/recording/report.ts';

export interface PageContext {
  report: Report;
  /** Empty when only report.json is known. */
  recordings: readonly Recording[];
  /** Of the outermost process: paths are said relative to it. */
  cwd: string;
}
