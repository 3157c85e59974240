/** Names of results as Oracle gives them: an expression without an alias is called by its own text. */
import { isSymbol, isWord, previous, print, split, type Token, trim } from './tokens.ts';

/** Words that end an expression and are no alias of what stands before them. */
const ENDS = ['END', 'NULL'];
const LONGEST = 128;

/** Stands for any number of columns. */
const STAR = '*';

/** Of each item between SELECT and FROM; null: what PostgreSQL calls it, as a column or an alias. */
export function resultNames(tokens: readonly Token[]): (string | null)[] {
  const select = top(tokens, 0, ['SELECT']);
  const list = trim(tokens.slice(select + 1, top(tokens, select, ['FROM'])));
  const items = isWord(list[0], 'DISTINCT', 'UNIQUE', 'ALL') ? list.slice(1) : list;
  return split(items, ',').map((item) => nameOf(trim(item)));
}

/** The names of a result's `count` columns. */
export function namesOf(items: readonly (string | null)[], count: number): (string | null)[] {
  const first = items.indexOf(STAR);
  if (first < 0) return items.length === count ? [...items] : new Array(count).fill(null);
  const after = items.slice(items.lastIndexOf(STAR) + 1);
  const middle = new Array<null>(Math.max(0, count - first - after.length)).fill(null);
  return [...items.slice(0, first), ...middle, ...after];
}

/** Index of the first of `words` that stands in no brackets; the list's length when there is none. */
function top(tokens: readonly Token[], from: number, words: string[]): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    if (isSymbol(tokens[i], '(')) depth++;
    else if (isSymbol(tokens[i], ')')) depth--;
    else if (depth === 0 && isWord(tokens[i], ...words)) return i;
  }
  return tokens.length;
}

/** Words alone that PostgreSQL has other names for. */
const PSEUDO = [
  'SYSDATE',
  'SYSTIMESTAMP',
  'CURRENT_DATE',
  'CURRENT_TIMESTAMP',
  'LOCALTIMESTAMP',
  'USER',
  'ROWNUM',
  'ROWID',
];

function nameOf(item: readonly Token[]): string | null {
  const last = item[item.length - 1];
  if (!last) return null;
  if (isSymbol(last, STAR)) return STAR;
  const before = item[previous(item, item.length - 2)];
  const column = isSymbol(before, '.') && isColumn(item);
  if ((item.length === 1 || column) && isWord(last, ...PSEUDO)) return last.value;
  if (item.length === 1 ? last.kind === 'quoted' || (last.kind === 'word' && !isWord(last, ...ENDS)) : column)
    return null;
  if (last.kind === 'quoted' && !isSymbol(before, '.')) return null;
  if (last.kind === 'word' && !isWord(last, ...ENDS) && before && !isOperator(before)) return null;
  const text = print(item.filter((token) => token.kind !== 'space'));
  return text.toUpperCase().slice(0, LONGEST);
}

/** `a.b` or `a.b.c` */
function isColumn(item: readonly Token[]): boolean {
  return item.every((token) => ['word', 'quoted'].includes(token.kind) || isSymbol(token, '.'));
}

function isOperator(token: Token): boolean {
  return token.kind === 'symbol' && token.text !== ')';
}
