/**
 * Who a watched library sets a timer for: one of its clients. As long as that is open the timer is the library's own
 * affair; once it has ended, what stays was left behind.
 */
import type { Resource } from '../account/ledger.ts';
import type { Site } from '../account/site.ts';

export interface Host {
  /** Where the service made it. */
  readonly site: Site | null;
  /** It has ended, and so has what it had opened for itself. */
  isOver(): boolean;
  /** How much of what was asked of it has not come back yet; null where nobody can tell. */
  pending(): number | null;
}

/** The clients of one library. */
export interface Hosts {
  /** Whether the code of `file` is the library's. */
  has(file: string): boolean;
  /** Of which client a method runs, or whose flow this is; null where neither is known. */
  here(): Host | null;
}

/** What it had opened for itself may take longer: a worker ends its connections when its last job is done. */
export function isWhollyClosed({ closed, owned }: Resource): boolean {
  return closed && (owned === null || owned.size === 0);
}
