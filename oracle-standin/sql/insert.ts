/** INSERT: the same in both dialects, but for the one hint that changes what it does. */
import { made, next, previous, type Token, tokenize } from './tokens.ts';

/** `IGNORE_ROW_ON_DUPKEY_INDEX (table, index)`, or `(table (column, column))`. */
const HINT = /\/\*\+[\s\S]*?\bignore_row_on_dupkey_index\s*\(\s*[\w$#]+\s*(?:,\s*([\w$#]+)|\(([^)]*)\))\s*\)/i;

/** With the hint, rows whose key is there already are left out. */
export function ignoringDuplicates(tokens: readonly Token[]): Token[] {
  const [, index, columns] = HINT.exec(tokens[next(tokens, 0) + 1]?.value ?? '') ?? [];
  if (index === undefined && columns === undefined) return [...tokens];
  const end = previous(tokens, tokens.length - 1) + 1;
  const conflict =
    columns === undefined
      ? [made(` on conflict on constraint ${index?.toLowerCase()} do nothing`)]
      : [made(' on conflict ('), ...tokenize(columns), made(') do nothing')];
  return [...tokens.slice(0, end), ...conflict];
}
