/**
 * Whether the server did what it was asked to try: `pg_try_advisory_lock`, `GET_LOCK`.
 *
 * False negatives: a call in a common table expression whose rows are not the statement's; `DO GET_LOCK`, which has no
 * answer; all rows but one of several that say yes. Of columns with one name a driver keeps the last, which then answers
 * for all of them.
 */

/**
 * Where the rows say so: in a column, by its name as far as that is known, else from the left or (negative) from the right;
 * or by being there at all.
 */
export type Answer = { readonly name: string; readonly column: number } | 'any row';

const QUOTED = /'(?:[^']|'')*'|"[^"]*"|`[^`]*`/g;
const STRINGS = /'(?:[^']|'')*'/g;
const CALL = /^(\w+)\s*\(/;
const ALIAS = /^\s*(?:as\s+)?(?!(?:from|where|limit|order|union)\b)["`]?(\w+)/i;
const INNERMOST = /\([^()]*\)/g;
/** As text, since drivers differ. */
const YES: readonly string[] = ['true', 't', '1'];

/** Of the call that begins at `at`. */
export function answerOf(statement: string, at: number): Answer {
  const [before = ''] = outermost(statement.slice(0, at)).split('(');
  if (/\b(?:where|on)\b/i.test(before)) return 'any row';
  const name = nameAt(statement.slice(at));
  if (/\bfrom\b/i.test(before)) return { name, column: 0 };
  if (!before.includes('*')) return { name, column: commasIn(before) };
  const [columns = ''] = outermost(statement.slice(at)).split(/\bfrom\b/i);
  return { name, column: -1 - commasIn(columns) };
}

/** Of the column that `text` begins with, a call: its alias, or as PostgreSQL names it. */
function nameAt(text: string): string {
  const [, called = ''] = CALL.exec(text) ?? [];
  const [, alias = called] = ALIAS.exec(outermost(text, STRINGS).slice(called.length)) ?? [];
  return alias;
}

/** `rows` are objects, arrays, or one value each. */
export function isGranted(rows: readonly unknown[], answer: Answer): boolean {
  if (answer === 'any row') return rows.length > 0;
  return rows.some((row) => {
    const values = typeof row === 'object' && row !== null ? new Map(Object.entries(row)) : new Map([['', row]]);
    const value = values.has(answer.name) ? values.get(answer.name) : [...values.values()].at(answer.column);
    return YES.includes(String(value));
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
function outermost(text: string, quoted = QUOTED): string {
  let outer = text.replace(quoted, '');
  for (let inner = ''; inner !== outer; ) {
    inner = outer;
    outer = outer.replace(INNERMOST, '');
  }
  return outer;
}

function commasIn(text: string): number {
  return text.split(',').length - 1;
}
