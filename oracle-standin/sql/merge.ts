/** MERGE, UPDATE and DELETE: the same words in both dialects, in slightly different places. */
import { closing, follows, isSymbol, isWord, made, next, SqlError, split, type Token, trim } from './tokens.ts';

/** `alias.column` becomes `column`: PostgreSQL allows no alias on the left of a SET. */
function unqualified(column: readonly Token[]): Token[] {
  const dot = column.findLastIndex((token) => isSymbol(token, '.'));
  return dot < 0 ? [...column] : [made(' '), ...column.slice(dot + 1)];
}

function assignments(tokens: readonly Token[]): Token[] {
  return split(tokens, ',').flatMap((part, i) => {
    const equals = part.findIndex((token) => isSymbol(token, '='));
    const target = part.slice(0, equals);
    const left = isSymbol(target[next(target, 0)], '(') ? target : unqualified(target);
    return [...(i === 0 ? [] : [made(',')]), ...left, ...part.slice(equals)];
  });
}

export function rewriteUpdate(tokens: readonly Token[]): Token[] {
  const set = tokens.findIndex((token) => isWord(token, 'SET'));
  if (set < 0) throw new SqlError(971, 'missing SET keyword');
  const end = outside(tokens, set + 1, ['WHERE', 'RETURNING', 'RETURN']);
  return [...tokens.slice(0, set + 1), ...assignments(tokens.slice(set + 1, end)), ...tokens.slice(end)];
}

export function rewriteDelete(tokens: readonly Token[]): Token[] {
  const verb = next(tokens, 0);
  if (isWord(tokens[next(tokens, verb + 1)], 'FROM')) return [...tokens];
  return [...tokens.slice(0, verb + 1), made(' from'), ...tokens.slice(verb + 1)];
}

/** Index of the first of `words` that stands in no brackets; the list's length when there is none. */
export function outside(tokens: readonly Token[], from: number, words: readonly string[]): number {
  for (let i = from; i < tokens.length; i++) {
    if (isSymbol(tokens[i], '(')) i = closing(tokens, i);
    else if (isWord(tokens[i], ...words)) return i;
  }
  return tokens.length;
}

export function rewriteMerge(tokens: readonly Token[]): Token[] {
  const first = outside(tokens, 0, ['WHEN']);
  const result = tokens.slice(0, first);
  for (let at = first; at < tokens.length; ) {
    const end = outside(tokens, at + 1, ['WHEN', 'LOG']);
    if (isWord(tokens[end], 'LOG')) throw new SqlError(900, 'the stand-in knows no LOG ERRORS', tokens[end]?.at);
    const then = outside(tokens, at, ['THEN']);
    result.push(...branch(tokens.slice(at, then), trim(tokens.slice(then + 1, end))));
    at = end;
  }
  return result;
}

function branch(when: Token[], action: Token[]): Token[] {
  const where = outside(action, 0, ['WHERE', 'DELETE']);
  if (isWord(action[0], 'UPDATE')) {
    const set = follows(action, 0, 'UPDATE', 'SET');
    if (set < 0) throw new SqlError(927, 'missing equal sign', action[0]?.at);
    const update = [made('then update set'), ...assignments(action.slice(set, where)), made(' ')];
    const remove = action.findIndex((token) => isWord(token, 'DELETE'));
    const condition = action.slice(where, remove < 0 ? action.length : remove);
    if (remove >= 0) {
      throw new SqlError(900, 'the stand-in knows no DELETE within a MERGE', action[remove]?.at);
    }
    return [...when, ...and(condition), ...update];
  }
  const open = follows(action, 0, 'INSERT', '(');
  if (open < 0) return [...when, made('then '), ...action, made(' ')];
  const close = closing(action, open - 1);
  const columns = split(action.slice(open, close), ',').flatMap((column, i) => [
    ...(i === 0 ? [] : [made(',')]),
    ...unqualified(column),
  ]);
  const insert = [made('then insert ('), ...columns, made(')'), ...action.slice(close + 1, where), made(' ')];
  return [...when, ...and(action.slice(where)), ...insert];
}

/** `WHERE condition` of an action is PostgreSQL's `AND condition` of its WHEN. */
function and(condition: readonly Token[]): Token[] {
  return condition.length === 0 ? [] : [made('and ('), ...condition.slice(1), made(') ')];
}
