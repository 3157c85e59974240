/**
 * Anonymous PL/SQL blocks, as far as a stand-in needs them: a straight line of SQL, assignments to bind variables and
 * calls of the packages below, with an EXCEPTION part. No variables, conditions or loops.
 */
import { rewrite, sql } from './functions.ts';
import { outside } from './merge.ts';
import type { Plan } from './plan.ts';
import { planSql } from './plan-sql.ts';
import { type Statement, statement } from './statement.ts';
import { closing, follows, isSymbol, isWord, next, SqlError, split, type Token, tokenize, trim } from './tokens.ts';

export type Step =
  | { kind: 'sql'; plan: Plan; into: number[] }
  | { kind: 'open'; cursor: number; plan: Plan }
  /** `values` selects the arguments; `out` are the binds a package writes to, by their place. */
  | { kind: 'call'; name: PackageCall; values: Statement; out: (number | null)[] }
  | { kind: 'block'; block: Block }
  | { kind: 'raise' }
  /** Raises again what is being handled, unless it is one of these. */
  | { kind: 'raise-unless'; codes: number[] };

export interface Handler {
  /** Names as in `WHEN name OR name`; `OTHERS` is all. */
  names: string[];
  steps: Step[];
}

export interface Block {
  steps: Step[];
  handlers: Handler[];
  /** Per bind, whether it is written and read. */
  written: Set<number>;
  read: Set<number>;
}

export const PACKAGE_CALLS = [
  'DBMS_SESSION.SLEEP',
  'DBMS_LOCK.SLEEP',
  'DBMS_SESSION.SET_IDENTIFIER',
  'DBMS_APPLICATION_INFO.SET_MODULE',
  'DBMS_APPLICATION_INFO.SET_ACTION',
  'DBMS_APPLICATION_INFO.SET_CLIENT_INFO',
  'DBMS_OUTPUT.ENABLE',
  'DBMS_OUTPUT.DISABLE',
  'DBMS_OUTPUT.PUT_LINE',
  'DBMS_OUTPUT.GET_LINE',
  'RAISE_APPLICATION_ERROR',
] as const;
export type PackageCall = (typeof PACKAGE_CALLS)[number];

/** Errors by the name they have in PL/SQL. */
export const EXCEPTIONS: Record<string, number> = {
  NO_DATA_FOUND: 1403,
  TOO_MANY_ROWS: 1422,
  DUP_VAL_ON_INDEX: 1,
  INVALID_NUMBER: 1722,
  ZERO_DIVIDE: 1476,
  VALUE_ERROR: 6502,
};

export function parseBlock(tokens: readonly Token[], binds: number): Block {
  const context = { written: new Set<number>(), read: new Set<number>() };
  if (isWord(tokens[0], 'DECLARE')) throw unknown('variables', tokens[0]);
  if (isWord(tokens[0], 'CALL')) {
    const block = { steps: [step(trim(tokens.slice(1)), context)], handlers: [], ...context };
    return block;
  }
  const end = isSymbol(tokens[tokens.length - 1], ';') ? tokens.length - 1 : -1;
  const body = end < 0 ? -1 : follows(tokens, matchingEnd(tokens, 0), 'END');
  if (body < 0 || next(tokens, body) !== end) {
    throw new SqlError(6550, 'line 1, column 1: PLS-00103: a block ends with END;', tokens[0]?.at);
  }
  const block = parseBody(tokens.slice(1, body - 1), context);
  // a bind that is nowhere used is one to read
  for (let i = 0; i < binds; i++) if (!block.written.has(i)) block.read.add(i);
  return block;
}

function unknown(what: string, token: Token | undefined): SqlError {
  return new SqlError(6550, `the stand-in knows no ${what} in PL/SQL`, token?.at);
}

interface Context {
  written: Set<number>;
  read: Set<number>;
}

/** Index of the END that belongs to the BEGIN at `begin`. */
function matchingEnd(tokens: readonly Token[], begin: number): number {
  let depth = 0;
  for (let i = begin; i < tokens.length; i++) {
    if (isWord(tokens[i], 'BEGIN', 'CASE', 'LOOP', 'IF') && !endsSomething(tokens, i)) depth++;
    else if (isWord(tokens[i], 'END') && --depth === 0) return i;
  }
  throw new SqlError(6550, 'line 1, column 1: PLS-00103: a BEGIN has no END', tokens[begin]?.at);
}

/** `END IF` and `END LOOP` end one thing, and begin none. */
function endsSomething(tokens: readonly Token[], i: number): boolean {
  let before = i - 1;
  while (before >= 0 && tokens[before]?.kind === 'space') before--;
  return isWord(tokens[before], 'END');
}

function parseBody(tokens: readonly Token[], context: Context): Block {
  const parts = statements(tokens);
  const at = parts.findIndex((part) => isWord(part[0], 'EXCEPTION'));
  const body = at < 0 ? parts : parts.slice(0, at);
  const steps = body.flatMap((part) => (isWord(part[0], 'NULL') ? [] : [step(part, context)]));
  return { steps, handlers: at < 0 ? [] : parseHandlers(parts.slice(at), context), ...context };
}

/** Cut at semicolons, but not within nested blocks. */
function statements(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [];
  let part: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (isWord(token, 'BEGIN', 'IF', 'LOOP', 'CASE') && !endsSomething(tokens, i)) {
      const end = matchingEnd(tokens, i);
      part.push(...tokens.slice(i, end));
      i = end - 1;
      continue;
    }
    if (isSymbol(token, ';')) {
      parts.push(trim(part));
      part = [];
    } else part.push(token);
  }
  if (trim(part).length > 0)
    throw new SqlError(6550, 'PLS-00103: a statement without its semicolon', trim(part)[0]?.at);
  return parts.filter((words) => words.length > 0);
}

function parseHandlers(parts: Token[][], context: Context): Handler[] {
  const handlers: Handler[] = [];
  parts.forEach((part, i) => {
    let rest = i === 0 ? trim(part.slice(1)) : part;
    if (isWord(rest[0], 'WHEN')) {
      const then = rest.findIndex((token) => isWord(token, 'THEN'));
      const names = rest.slice(1, then).filter((token) => token.kind === 'word' && token.value !== 'OR');
      handlers.push({ names: names.map((token) => token.value), steps: [] });
      rest = trim(rest.slice(then + 1));
    }
    const handler = handlers[handlers.length - 1];
    if (!handler) throw unknown('such EXCEPTION part', rest[0]);
    if (!isWord(rest[0], 'NULL')) handler.steps.push(step(rest, context));
  });
  return handlers;
}

function step(part: readonly Token[], context: Context): Step {
  const first = part[0]!;
  if (first.kind === 'bind') return assignment(part, context);
  switch (first.value) {
    case 'BEGIN':
      return { kind: 'block', block: parseBody(part.slice(1, matchingEnd(part, 0)), context) };
    case 'RAISE':
      if (part.length === 1) return { kind: 'raise' };
      break;
    case 'IF':
      return raiseUnless(part);
    case 'SELECT':
      return selectInto(part, context);
    case 'OPEN':
      return openCursor(part, context);
    case 'EXECUTE':
      return executeImmediate(part);
    case 'INSERT':
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE': {
      const plan = planSql(first.value, part);
      const into = plan.kind === 'dml' ? plan.into : [];
      writes(into, context);
      reads(part, context, into);
      return { kind: 'sql', plan, into };
    }
    case 'COMMIT':
    case 'ROLLBACK':
    case 'SAVEPOINT':
      return { kind: 'sql', plan: planSql(first.value, part), into: [] };
  }
  return call(part, context);
}

function writes(binds: readonly number[], context: Context): void {
  for (const bind of binds) context.written.add(bind);
}

function reads(tokens: readonly Token[], context: Context, but: readonly number[] = []): void {
  for (const { kind, bind } of tokens) {
    if (kind === 'bind' && bind !== undefined && !but.includes(bind)) context.read.add(bind);
  }
}

/** `:name := expression` */
function assignment(part: readonly Token[], context: Context): Step {
  const equals = next(part, 1);
  if (!isSymbol(part[equals], ':=')) throw unknown('such statement', part[0]);
  const value = part.slice(equals + 1);
  writes([part[0]!.bind!], context);
  reads(value, context);
  const plan: Plan = { kind: 'query', statement: statement(sql`select ${rewrite(value)}`), locks: false, wait: null };
  return { kind: 'sql', plan, into: [part[0]!.bind!] };
}

function selectInto(part: readonly Token[], context: Context): Step {
  const into = outside(part, 0, ['INTO']);
  const from = outside(part, into, ['FROM']);
  if (into === part.length) throw unknown('SELECT without INTO', part[0]);
  const targets = part.slice(into, from).flatMap((token) => (token.kind === 'bind' ? [token.bind!] : []));
  if (targets.length !== split(part.slice(into, from), ',').length) throw unknown('variables', part[into]);
  const query = [...part.slice(0, into), ...part.slice(from)];
  writes(targets, context);
  reads(query, context);
  return { kind: 'sql', plan: planSql('SELECT', query), into: targets };
}

function openCursor(part: readonly Token[], context: Context): Step {
  const cursor = part[next(part, 1)];
  const query = follows(part, next(part, 1) + 1, 'FOR');
  if (cursor?.kind !== 'bind' || query < 0) throw unknown('such OPEN', part[0]);
  const body = trim(part.slice(query));
  writes([cursor.bind!], context);
  reads(body, context);
  return { kind: 'open', cursor: cursor.bind!, plan: planSql(body[0]?.value ?? '', body) };
}

function executeImmediate(part: readonly Token[]): Step {
  const text = part[next(part, follows(part, 0, 'EXECUTE', 'IMMEDIATE'))];
  if (text?.kind !== 'string' || part[part.length - 1] !== text) {
    throw unknown('EXECUTE IMMEDIATE but of a literal', part[0]);
  }
  const tokens = trim(tokenize(text.text.slice(1, -1).replaceAll("''", "'")));
  return { kind: 'sql', plan: planSql(tokens[0]?.value ?? '', tokens), into: [] };
}

/** `IF SQLCODE <> -942 THEN RAISE; END IF` and `IF SQLCODE NOT IN (-942, -2289) THEN RAISE; END IF` */
function raiseUnless(part: readonly Token[]): Step {
  const words = part.filter((token) => token.kind !== 'space').map((token) => token.value);
  const text = words.join(' ');
  const match = /^IF SQLCODE (?:(?:<>|!=) - (\d+)|NOT IN \( ((?:- \d+(?: , )?)+) \)) THEN RAISE ; END IF$/.exec(text);
  if (!match) throw unknown('IF, but in the EXCEPTION part as IF SQLCODE <> -n THEN RAISE', part[0]);
  return { kind: 'raise-unless', codes: [...(match[1] ?? match[2]!).matchAll(/\d+/g)].map(Number) };
}

function call(part: readonly Token[], context: Context): Step {
  const open = part.findIndex((token) => isSymbol(token, '('));
  const head = trim(open < 0 ? part : part.slice(0, open)).filter((token) => token.kind !== 'space');
  const name = head.map((token) => token.value).join('') as PackageCall;
  if (!PACKAGE_CALLS.includes(name)) throw unknown(name, part[0]);
  const inside = open < 0 ? [] : trim(part.slice(open + 1, closing(part, open)));
  const args = (inside.length === 0 ? [] : split(inside, ',')).map((arg) => trim(unnamed(arg)));
  const out = name === 'DBMS_OUTPUT.GET_LINE' ? args.map((arg) => arg[0]?.bind ?? null) : [];
  if (out.length > 0) {
    writes(
      out.filter((bind) => bind !== null),
      context,
    );
    return { kind: 'call', name, values: { text: 'select', parameters: [] }, out };
  }
  reads(inside, context);
  const values = args.flatMap((arg, i) => [...(i === 0 ? [] : sql`, `), ...sql`cast(${rewrite(arg)} as varchar)`]);
  return { kind: 'call', name, values: statement(sql`select ${values}`), out };
}

/** `name => value` is taken by its place. */
function unnamed(arg: readonly Token[]): Token[] {
  const arrow = arg.findIndex((token) => isSymbol(token, '=>'));
  return arg.slice(arrow + 1);
}
