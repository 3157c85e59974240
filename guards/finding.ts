/** What a test owes, as the finding that the reports know. */
import { idOf } from '../probe/recording/finding-id.ts';
import type { Frame } from '../probe/recording/format.ts';
import { placeOf } from '../probe/recording/place.ts';
import type { ReachOfLine } from '../probe/recording/reach.ts';
import type { Finding } from '../probe/recording/report.ts';
import type { Sources } from '../probe/recording/source.ts';
import type { Owed } from '../probe/tests.ts';

/** How a runner leads from the code that it runs to the code that was written; null where it does not know. */
export type Original = <P extends Pick<Frame, 'file' | 'line' | 'column'>>(frame: P) => P | null;

export function findingOf(owed: Owed, original: (frame: Frame) => Frame, sources: Sources): Finding {
  const { kind, nature, library, pool, count, orphans } = owed;
  const stack = owed.stack.map((frame, index) => (owed.isMapped[index] ? frame : original(frame)));
  const blamed = stack[owed.frame];
  const site = blamed
    ? { file: blamed.file, line: blamed.line, column: blamed.column, function: blamed.function }
    : null;
  const detector = orphans > 0 ? 'unreachable' : 'outlived-scope';
  const place = site ? placeOf(site, sources) : undefined;
  return {
    ...{
      id: idOf({ kind, library, detector }, blamed, place),
      kind,
      nature,
      library,
      pool,
      count,
      detector,
      site,
      stack,
    },
    certainty: orphans > 0 ? 'proven' : 'likely',
    ...{ acquired: count, released: 0, estimated: false },
    origin: blamed && !blamed.user ? 'library' : 'user',
    siteUnknown: site ? null : 'no stack was taken',
    evidence: evidenceOf(owed),
    ...{ callers: [], exhausted: null, holders: [], scopes: [], recurrence: null, recipe: null },
    held: [],
    excerpt: place?.excerpt ?? null,
  };
}

/** With what a snapshot of the heap said. The id stays, which a baseline knows it by. */
export function withHolders(finding: Finding, reach: ReachOfLine | undefined): Finding {
  if (!reach || finding.certainty === 'proven') return finding;
  const { marked, unreachable, held } = reach;
  if (unreachable === 0) return { ...finding, held };
  const who = unreachable === marked ? (marked === 1 ? 'it' : 'them') : `${unreachable} of them`;
  const sentence = `Nobody can reach ${who} any more: only lists of its library or of Node.js still hold ${who}.`;
  return { ...finding, certainty: 'proven', evidence: [sentence, ...finding.evidence], held };
}

function evidenceOf({ count, orphans, busy }: Owed): string[] {
  const [it, them] = count === 1 ? ['it', 'it'] : ['them', 'them'];
  return [
    ...(orphans === count ? [`Nobody can reach ${it} any more: only its pool still holds ${them}.`] : []),
    ...(orphans > 0 && orphans < count ? [`Nobody can reach ${orphans} of them any more.`] : []),
    ...(busy > 0
      ? [`${count === 1 ? 'It is' : `${busy} of them are`} still inside an operation that has not come back.`]
      : []),
  ];
}
