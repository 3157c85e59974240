/** What to change, and how to see that it helped. */
import type { Cause, Kind } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { type Matter, matterOf } from './matter.ts';

const OF_KIND: Record<Kind, string> = {
  connection: 'Release it in a finally block, so that no error or early return in between can skip it.',
  timer: 'Clear it when the work that needs it ends.',
  socket: 'End or destroy it on every path, also after errors and time-outs.',
  server: 'Close it when its owner ends.',
  worker: 'Terminate it when its work is done, also after errors.',
  port: 'Close it when both sides are done.',
  'child-process': 'Wait for its exit, and kill it when its owner ends first.',
  watcher: 'Close it when its owner ends.',
  listener: 'Remove it when its owner ends, or add it with { once: true } or an AbortSignal.',
  stream: 'Destroy it on every path; pipeline() from node:stream/promises does.',
  context: 'Drop what outlives the run and refers into its context: caches, listeners, timers.',
  promise: 'Settle it on every path, or give its wait a time limit.',
  memory: 'Bound what keeps them: a cache without a limit, a list that only grows.',
};

/** Opposite remedies, which is why the cause matters. */
const OF_CAUSE: Record<Exclude<Cause, 'deadlock'>, string> = {
  leak: 'Release in a finally block at the lines that hold it; a larger pool would only run out later.',
  'slow database':
    'Find out what the holders wait for (slow queries, locks, pg_stat_activity); a larger pool would make the database slower still.',
  storm: 'Limit how many of these run at once, or spread them out; or let an acquire wait longer than the burst lasts.',
  'too small': 'Hold each connection for a shorter time, or raise the limit as far as the database allows.',
};

const OF_MATTER: Record<Exclude<Matter, 'resource' | 'exhaustion'>, string> = {
  transaction: 'Commit or roll back on every path before release.',
  pools: 'Make one pool for all, created once when the program starts, and end it at shutdown.',
  deadlock:
    'Acquire once for all that one piece of work needs, or pass the lease along; a larger pool only makes it rarer.',
};

/** What to change, in a sentence or two. */
export function advice(finding: Finding): string {
  const matter = matterOf(finding);
  if (matter === 'exhaustion') {
    const cause = finding.exhausted?.cause;
    return cause && cause !== 'deadlock'
      ? OF_CAUSE[cause]
      : 'See who holds the pool, and since when, before making it larger.';
  }
  const change = matter === 'resource' ? OF_KIND[finding.kind] : OF_MATTER[matter];
  return finding.certainty === 'suspect' ? `See whether it is given back later. If not: ${change}` : change;
}

const PROOFS: Record<Matter, string> = {
  resource: 'this line must come out with 0 leaked.',
  transaction: 'no transaction may be left open here.',
  pools: 'the number of pools must stay as it is.',
  exhaustion: 'no acquire may time out.',
  deadlock: 'it must come to its end.',
};

/** How the next run shows that the fix works. */
export function proof(finding: Finding): string {
  return `Then run the same again: ${PROOFS[matterOf(finding)]}`;
}
