/**
 * What the statements of a session leave behind in it, by their text: for drivers that do not keep what the server says.
 *
 * False positives: a transaction that a statement ends as a side effect of a routine of the database's.
 * False negatives: one that is opened so, by `set autocommit = 0`, or by the second of several statements in one text.
 */

const COMMENTS = /^(?:\s|\/\*[\s\S]*?\*\/|--[^\n]*\n|#[^\n]*\n)+/;
const BEGINS = /^(?:start\s+transaction|begin(?:\s+work)?\s*;?\s*$)/i;
/** … also those before which MySQL commits by itself. */
const ENDS =
  /^(?:commit|rollback(?!\s+(?:work\s+)?to\b)|create\s+(?!temporary)|alter|drop\s+(?!temporary)|truncate|rename|lock\s+tables)\b/i;

/** Whether a session is in a transaction after a statement, as it was `before`. */
export function isInTransactionAfter(statement: string, before: boolean): boolean {
  const text = statement.replace(COMMENTS, '');
  if (BEGINS.test(text)) return true;
  return ENDS.test(text) ? false : before;
}
