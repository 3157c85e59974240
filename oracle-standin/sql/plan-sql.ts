/** What is to be done for one SQL statement, by itself or within a block. */
import { translateDdl } from './ddl.ts';
import { rewrite } from './functions.ts';
import { ignoringDuplicates } from './insert.ts';
import { outside, rewriteDelete, rewriteMerge, rewriteUpdate } from './merge.ts';
import { resultNames } from './names.ts';
import type { Dml, Plan, Query } from './plan.ts';
import { rewriteRowNumbers } from './rownum.ts';
import { statement } from './statement.ts';
import { follows, isSymbol, isWord, made, next, print, SqlError, type Token } from './tokens.ts';

const DDL = ['CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'COMMENT'];

/** `tokens`: without leading or trailing space. Throws `SqlError` as `plan` does. */
export function planSql(first: string, tokens: readonly Token[]): Plan {
  switch (first) {
    case 'SELECT':
    case 'WITH':
      return query(tokens);
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
      return dml(first, tokens);
    case 'COMMIT':
      return { kind: 'commit' };
    case 'ROLLBACK':
      return tokens.some((token) => isWord(token, 'TO'))
        ? { kind: 'transaction', text: print(rewrite(tokens)) }
        : { kind: 'rollback' };
    case 'SAVEPOINT':
    case 'SET':
      return { kind: 'transaction', text: print(rewrite(tokens)) };
    case 'LOCK':
      return { kind: 'transaction', text: print(rewrite(tokens)) };
  }
  const second = tokens[next(tokens, 1)];
  if (first === 'ALTER' && isWord(second, 'SESSION')) return alterSession(print(tokens));
  if (first === 'ALTER' && isWord(second, 'SYSTEM')) return alterSystem(print(tokens));
  if (DDL.includes(first)) return { kind: 'ddl', texts: translateDdl(tokens) };
  throw new SqlError(
    900,
    first === '' ? 'invalid SQL statement' : `invalid SQL statement: the stand-in knows no ${first}`,
  );
}

/** Words of Oracle's whose meaning would be lost. */
const UNKNOWN = ['PIVOT', 'UNPIVOT', 'MODEL', 'MATCH_RECOGNIZE', 'ORA_ROWSCN', 'SCN'];

function checked(tokens: readonly Token[]): Token[] {
  const result = [...tokens];
  for (let i = 0; i < result.length; i++) {
    const token = result[i]!;
    const qualified = isSymbol(result[i - 1], '.');
    if (isWord(token, ...UNKNOWN) && !isWord(result[next(result, 0)], 'CREATE')) {
      throw new SqlError(900, `the stand-in knows no ${token.value}`, token.at);
    }
    if (isSymbol(token, '(') && isSymbol(result[i + 1], '+') && isSymbol(result[i + 2], ')')) {
      throw new SqlError(900, 'the stand-in knows outer joins only as OUTER JOIN, not as (+)', token.at);
    }
    if (isWord(token, 'CURSOR', 'TABLE') && isSymbol(result[next(result, i + 1)], '(')) {
      throw new SqlError(900, `the stand-in knows no ${token.value}(…) in SQL`, token.at);
    }
    if (isSymbol(token, '@')) throw new SqlError(900, 'the stand-in knows no database links', token.at);
    // sys.v_$session and v$session are the same
    if (!qualified && isWord(token, 'SYS') && isSymbol(result[i + 1], '.')) result.splice(i, 2);
    const view = result[i];
    if (view?.kind === 'word' && view.value.startsWith('V_$')) {
      const text = view.text.replace('_', '');
      result[i] = { ...view, text, value: text.toUpperCase() };
    }
  }
  return result;
}

function query(tokens: readonly Token[]): Query {
  const body = checked(tokens);
  const names = resultNames(body);
  const lock = outside(body, 0, ['FOR']);
  const update = follows(body, lock, 'FOR', 'UPDATE');
  if (lock === body.length || update < 0) {
    return {
      kind: 'query',
      statement: { ...statement(rewrite(rewriteRowNumbers(body))), names },
      locks: false,
      wait: null,
    };
  }
  const clause = body.slice(update);
  const has = (word: string) => clause.some((token) => isWord(token, word));
  const waitAt = clause.findIndex((token) => isWord(token, 'WAIT'));
  const wait = waitAt < 0 ? null : Number(clause[next(clause, waitAt + 1)]?.text);
  const how = has('SKIP') ? ' skip locked' : has('NOWAIT') ? ' nowait' : '';
  const text = rewrite(rewriteRowNumbers([...body.slice(0, update)]));
  return { kind: 'query', statement: { ...statement([...text, made(how)]), names }, locks: true, wait };
}

const REWRITES: Record<string, (tokens: readonly Token[]) => Token[]> = {
  INSERT: ignoringDuplicates,
  UPDATE: rewriteUpdate,
  DELETE: rewriteDelete,
  MERGE: rewriteMerge,
};

function dml(verb: string, tokens: readonly Token[]): Dml {
  const body = checked(tokens);
  if (verb === 'INSERT' && isWord(body[next(body, 1)], 'ALL', 'FIRST')) {
    throw new SqlError(900, 'the stand-in knows no INSERT into several tables', body[0]?.at);
  }
  const returning = outside(body, 0, ['RETURNING', 'RETURN']);
  const into = returning === body.length ? returning : outside(body, returning, ['INTO']);
  if (returning < body.length && into === body.length)
    throw new SqlError(925, 'missing INTO keyword', body[returning]?.at);
  const changed = rewrite(rewriteRowNumbers(REWRITES[verb]!(body.slice(0, returning))));
  const receivers = body.slice(into).flatMap((token) => (token.kind === 'bind' ? [token.bind ?? 0] : []));
  if (returning === body.length) return { kind: 'dml', verb, statement: statement(changed), into: [] };
  const values = rewrite(body.slice(returning + 1, into));
  return { kind: 'dml', verb, statement: statement([...changed, made(' returning '), ...values]), into: receivers };
}

function alterSession(sql: string): Plan {
  const settings = [...sql.matchAll(/([A-Z_][A-Z0-9_.]*)\s*=\s*('(?:[^']|'')*'|"[^"]*"|[^\s,]+)/gi)].map(
    ([, name, value]): [string, string] => [
      name!.toUpperCase(),
      value!.replace(/^(['"])([\s\S]*)\1$/, '$2').replaceAll("''", "'"),
    ],
  );
  return { kind: 'alter-session', settings };
}

function alterSystem(sql: string): Plan {
  const kill = /^ALTER\s+SYSTEM\s+(KILL|DISCONNECT)\s+SESSION\s+'\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*@\d+\s*)?'/i.exec(sql);
  if (!kill) throw new SqlError(900, 'the stand-in knows ALTER SYSTEM only with KILL SESSION and DISCONNECT SESSION');
  return { kind: 'kill', sid: Number(kill[2]), serial: Number(kill[3]), disconnect: /^D/i.test(kill[1]!) };
}
