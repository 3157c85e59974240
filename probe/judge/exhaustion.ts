/** A pool that ran out because something leaks is no finding of its own: it is part of that leak's. */
import type { Resource } from '../account/ledger.ts';
import type { RecordedFinding } from '../recording/format.ts';
import type { PoolVerdict } from './detectors/detector.ts';

/** What the finding of a line names. */
export interface Named {
  group: { key: string };
  leaked: readonly Resource[];
}

/** Key of the finding that names most of the holders; null when the pool ran out for another reason. */
export function causeOf(
  { holders, exhausted: { cause } }: PoolVerdict,
  named: Iterable<Named>,
  found: ReadonlyMap<string, RecordedFinding>,
): string | null {
  const held = new Set(holders.map(({ resource }) => resource));
  let best: string | null = null;
  let most = 0;
  for (const { group, leaked } of named) {
    const finding = found.get(group.key);
    if (!finding || (finding.certainty === 'suspect' && cause !== 'leak')) continue;
    const count = leaked.filter((resource) => held.has(resource)).length;
    if (count <= most) continue;
    most = count;
    best = group.key;
  }
  return best;
}

/** `exhaustion`: the finding that it would be by itself. */
export function folded(exhaustion: RecordedFinding, into: RecordedFinding): RecordedFinding {
  const { exhausted, holders, certainty, evidence } = exhaustion;
  const [first = '', ...others] = into.evidence;
  return {
    ...into,
    certainty: certainty === 'likely' && into.certainty === 'suspect' ? 'likely' : into.certainty,
    exhausted: exhausted && { ...exhausted, cause: 'leak' },
    holders,
    evidence: [first, `So the pool ran out: ${evidence[0]}`, ...others],
  };
}
