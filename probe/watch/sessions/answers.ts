/**
 * Whether the server did what it was asked to try: `pg_try_advisory_lock`, `GET_LOCK`.
 *
 * False negatives: a call in a common table expression whose rows are not the statement's; `DO GET_LOCK`, which has no
 * answer; all rows but one of several that say yes.
 */

/** Where the rows say so: in a column, from the left or (negative) from the right, or by being there at all. */
export type Answer = number | 'any row';

const QUOTED = /'(?:[^']|'')*'|"[^"]*"|`[^`]*`/g;
const INNERMOST = /\([^()]*\)/g;
/** As text, since drivers differ. */
const YES: readonly string[] = ['true', 't', '1'];

/** Of the call that begins at `at`. */
export function answerOf(statement: string, at: number): Answer {
  const [before = ''] = outermost(statement.slice(0, at)).split('(');
  if (/\b(?:where|on)\b/i.test(before)) return 'any row';
  if (/\bfrom\b/i.test(before)) return 0;
  if (!before.includes('*')) return commasIn(before);
  const [columns = ''] = outermost(statement.slice(at)).split(/\bfrom\b/i);
  return -1 - commasIn(columns);
}

/** `rows` are objects, arrays, or one value each. */
export function isGranted(rows: readonly unknown[], answer: Answer): boolean {
  if (answer === 'any row') return rows.length > 0;
  return rows.some((row) => {
    const values = typeof row === 'object' && row !== null ? Object.values(row) : [row];
    return YES.includes(String(values.at(answer)));
  });
}

/** Of several statements in one text there are several lists of rows. */
export function rowsIn(result: unknown): readonly unknown[] {
  if (!Array.isArray(result)) return [];
  return result.flatMap((part: unknown) => (isListOfRows(part) ? part : [part]));
}

function isListOfRows(part: unknown): part is unknown[] {
  return Array.isArray(part) && typeof part[0] === 'object';
}

/** Without what is in quotes and brackets. */
function outermost(text: string): string {
  let outer = text.replace(QUOTED, '');
  for (let inner = ''; inner !== outer; ) {
    inner = outer;
    outer = outer.replace(INNERMOST, '');
  }
  return outer;
}

function commasIn(text: string): number {
  return text.split(',').length - 1;
}
