/** The id of a finding: the same on every machine, and after edits elsewhere in the file. */
import type { Frame, Place, RecordedFinding } from './format.ts';
import { lineOf } from './place.ts';

/** The same leak keeps its id when lines move: package-relative path, function, text of the call, and which such call. */
export function idOf(
  {
    kind,
    library,
    detector,
    before,
    pool,
  }: Pick<RecordedFinding, 'kind' | 'library' | 'detector'> & Partial<Pick<RecordedFinding, 'before' | 'pool'>>,
  frame: Frame | undefined,
  place: Place | undefined,
): string {
  if (before) return `${kind}-${library}-before-${pool}`;
  if (!frame || !place) return `${kind}-${library}-unknown`;
  const { module, ordinal, excerpt, isCompiled } = place;
  // nothing else tells one line of compiled code from the next
  const text = isCompiled ? `${frame.line}:${frame.column}` : lineOf(excerpt, frame.line).trim();
  const about = detector === 'pool-exhausted' || detector === 'hold-and-wait' ? detector : '';
  const parts = [kind, library, about, module, frame.function, text, String(ordinal)];
  // loaded only now: it takes longer than all the rest of a report without findings
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
}
