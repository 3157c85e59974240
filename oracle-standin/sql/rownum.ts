/** ROWNUM and CONNECT BY LEVEL, where they limit or number rows. */
import { sql } from './functions.ts';
import { follows, isSymbol, isWord, made, next, SqlError, type Token, trim } from './tokens.ts';

/** What may stand after WHERE … in a query block. */
const AFTER_WHERE = [
  'GROUP',
  'ORDER',
  'HAVING',
  'UNION',
  'MINUS',
  'INTERSECT',
  'FETCH',
  'OFFSET',
  'FOR',
  'CONNECT',
  'START',
  'RETURNING',
  'RETURN',
];

export function rewriteRowNumbers(tokens: readonly Token[]): Token[] {
  let result = [...tokens];
  for (;;) {
    const connect = result.findIndex((token, i) => isWord(token, 'CONNECT') && follows(result, i, 'CONNECT', 'BY') > 0);
    if (connect < 0) break;
    result = generateSeries(result, connect);
  }
  for (;;) {
    const at = result.findIndex((token) => isWord(token, 'ROWNUM'));
    if (at < 0) return result;
    result = limit(result, at) ?? result.with(at, made('row_number() over ()'));
  }
}

/** `FROM DUAL CONNECT BY LEVEL <= n`: the usual way to make n rows. */
function generateSeries(tokens: Token[], connect: number): Token[] {
  const { end } = block(tokens, connect);
  const from = tokens.findLastIndex((token, i) => i < connect && isWord(token, 'FROM'));
  const source = trim(tokens.slice(from + 1, connect));
  const condition = trim(tokens.slice(follows(tokens, connect, 'CONNECT', 'BY'), end));
  const [counter, , operator] = [condition[0], null, condition[next(condition, 1)]];
  const bound = condition.slice(next(condition, 1) + 1);
  const ok = source.length === 1 && isWord(source[0], 'DUAL') && isWord(counter, 'LEVEL', 'ROWNUM');
  if (!ok || !(isSymbol(operator, '<=') || isSymbol(operator, '<'))) {
    throw new SqlError(
      900,
      'the stand-in knows CONNECT BY only as FROM DUAL CONNECT BY LEVEL <= n',
      tokens[connect]?.at,
    );
  }
  const less = isSymbol(operator, '<') ? sql` - 1` : [];
  const rows = sql` generate_series(1, cast(${bound} as integer)${less}) as dual(level)`;
  return [...tokens.slice(0, from + 1), ...rows, ...tokens.slice(end)];
}

/** A condition `AND ROWNUM <= n` becomes a limit of its query block; null when it is no such condition. */
function limit(tokens: Token[], at: number): Token[] | null {
  const { start, end } = block(tokens, at);
  const where = depthless(tokens, start, at).findLast((i) => isWord(tokens[i], 'WHERE'));
  if (where === undefined) return null;
  const stop = depthless(tokens, where + 1, end).find((i) => isWord(tokens[i], ...AFTER_WHERE)) ?? end;
  if (stop < at) return null;
  const ands = [where, ...betweenless(tokens, where, stop), stop];
  const part = ands.findIndex((from, i) => from < at && at < (ands[i + 1] ?? 0));
  const from = ands[part] as number;
  const to = ands[part + 1] as number;
  const condition = trim(tokens.slice(from + 1, to));
  const operator = condition[next(condition, 1)];
  if (
    !isWord(condition[0], 'ROWNUM') ||
    !(isSymbol(operator, '<=') || isSymbol(operator, '<') || isSymbol(operator, '='))
  ) {
    throw new SqlError(900, 'the stand-in knows ROWNUM in a condition only as ROWNUM <= n', tokens[at]?.at);
  }
  const bound = condition.slice(next(condition, 1) + 1);
  const count = isSymbol(operator, '<') ? sql`(${bound}) - 1` : bound;
  const others =
    from === where ? tokens.slice(to + 1, stop) : [...tokens.slice(where + 1, from), ...tokens.slice(to, stop)];
  const kept = from === where && to === stop ? [] : sql` where ${others} `;
  const before = tokens.slice(start, where);
  const tail = tokens.slice(stop, end);
  const limited = inBlock(before, kept, tail, count);
  return [...tokens.slice(0, start), ...limited, ...tokens.slice(end)];
}

function inBlock(before: Token[], kept: Token[], tail: Token[], count: Token[]): Token[] {
  const verb = before[next(before, 0)];
  if (!isWord(verb, 'DELETE', 'UPDATE')) {
    const lock = tail.findIndex((token) => isWord(token, 'FOR'));
    const order = lock < 0 ? tail : tail.slice(0, lock);
    return [...before, ...kept, ...order, ...sql` limit (${count}) `, ...(lock < 0 ? [] : tail.slice(lock))];
  }
  const head = before.filter((token) => token.kind === 'word');
  const table = head[isWord(head[1], 'FROM') ? 2 : 1];
  if (!table) throw new SqlError(903, 'invalid table name', verb?.at);
  const rows = sql`(select ctid from ${[table]}${kept} limit (${count}))`;
  return [...before, ...sql` where ctid = any(array${rows}) `, ...tail];
}

/** The brackets around `at`, or the whole statement. */
function block(tokens: readonly Token[], at: number): { start: number; end: number } {
  let depth = 0;
  let start = at;
  for (; start > 0; start--) {
    if (isSymbol(tokens[start - 1], ')')) depth++;
    else if (isSymbol(tokens[start - 1], '(') && depth-- === 0) break;
  }
  depth = 0;
  let end = at;
  for (; end < tokens.length; end++) {
    if (isSymbol(tokens[end], '(')) depth++;
    else if (isSymbol(tokens[end], ')') && depth-- === 0) break;
  }
  return { start, end };
}

/** Indexes between `from` and `to` that stand in no further brackets. */
function depthless(tokens: readonly Token[], from: number, to: number): number[] {
  const indexes: number[] = [];
  let depth = 0;
  for (let i = from; i < to; i++) {
    if (isSymbol(tokens[i], '(')) depth++;
    else if (isSymbol(tokens[i], ')')) depth--;
    else if (depth === 0) indexes.push(i);
  }
  return indexes;
}

/** The ANDs of a condition, but those of BETWEEN. */
function betweenless(tokens: readonly Token[], where: number, stop: number): number[] {
  const ands: number[] = [];
  let between = false;
  for (const i of depthless(tokens, where + 1, stop)) {
    if (isWord(tokens[i], 'BETWEEN')) between = true;
    else if (isWord(tokens[i], 'AND')) {
      if (!between) ands.push(i);
      between = false;
    }
  }
  return ands;
}
