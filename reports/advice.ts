/** What to change, and how to see that it helped. */
import type { Cause } from '../probe/recording/format.ts';
import { mapperOf } from '../probe/recording/mappers.ts';
import { NATURES } from '../probe/recording/natures.ts';
import type { Finding } from '../probe/recording/report.ts';
import { type Matter, matterOf } from './matter.ts';

/** Opposite remedies, which is why the cause matters. */
const OF_CAUSE: Record<Exclude<Cause, 'deadlock'>, string> = {
  leak: 'Release in a finally block at the lines that hold it; a larger pool would only run out later.',
  'waiting elsewhere':
    'Do what takes long before the connection is taken or after it is given back, and give it a time-out; a larger pool would only be held for longer.',
  'slow database':
    'Find out what the holders wait for (slow queries, locks, pg_stat_activity); a larger pool would make the database slower still.',
  storm: 'Limit how many of these run at once, or spread them out; or let an acquire wait longer than the burst lasts.',
  'too small': 'Hold each connection for a shorter time, or raise the limit as far as the database allows.',
};

const OF_DEADLOCK =
  'Acquire once for all that one piece of work needs, or pass the lease along; a larger pool only makes it rarer.';

const OF_HELD_MEMORY =
  'Let go of what is held: remove what is no longer needed, evict the oldest, or end what waits for ever.';

/** What to change, in a sentence or two. */
export function advice(finding: Finding): string {
  const matter = matterOf(finding);
  if (matter === 'exhaustion') {
    const cause = finding.exhausted?.cause;
    return cause && cause !== 'deadlock'
      ? OF_CAUSE[cause]
      : 'See who holds the pool, and since when, before making it larger.';
  }
  const change = matter === 'deadlock' ? OF_DEADLOCK : (upgrade(finding) ?? ofNature(finding));
  return finding.certainty === 'suspect' ? `See whether it is given back later. If not: ${change}` : change;
}

/** Of a version of a dependency that is known to leak there; else null. */
export function upgrade({ maker, known }: Finding): string | null {
  if (!maker || !known) return null;
  return `Upgrade ${maker.name} from ${maker.version} to ${known.mended} or later. ${known.what}`;
}

/** What a mapper took or made for its caller is given back, or made once, in the mapper's words. */
function ofNature({ nature, stack, held }: Finding): string {
  const { ends, matter, words } = NATURES[nature];
  if (matter === 'memory' && held.length > 0) return OF_HELD_MEMORY;
  const { advice, onPools } = mapperOf(stack) ?? {};
  return (ends === 'given back' ? advice : matter === 'pools' ? onPools : undefined) ?? words.advice;
}

const PROOFS: Record<Matter, string> = {
  resource: 'this line must come out with 0 leaked.',
  transaction: 'no transaction may be left open here.',
  session: 'nothing of it may be left in a session here.',
  pools: 'the number of pools must stay as it is.',
  growth: 'what this line adds must go again.',
  memory: 'memory at rest must stay as it is, round after round.',
  exhaustion: 'no acquire may time out.',
  deadlock: 'it must come to its end.',
};

/** How the next run shows that the fix works. */
export function proof(finding: Finding): string {
  return `Then run the same again: ${PROOFS[matterOf(finding)]}`;
}
