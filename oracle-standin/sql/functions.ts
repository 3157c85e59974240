/** Oracle's functions and pseudocolumns in PostgreSQL's words. What only needs another body is in `library.ts`. */
import { closing, follows, isSymbol, isWord, made, next, previous, split, type Token, trim } from './tokens.ts';

/** `sql\`coalesce(${tokens})\`` as tokens. */
export function sql(texts: TemplateStringsArray, ...parts: (readonly Token[])[]): Token[] {
  return texts.flatMap((text, i) => [made(text), ...(parts[i] ?? [])]);
}

function join(parts: readonly (readonly Token[])[], separator: string): Token[] {
  return parts.flatMap((part, i) => (i === 0 ? [...part] : [made(separator), ...part]));
}

const NOW = 'statement_timestamp()';
const HERE = `cast(${NOW} as timestamp)`;
/** PostgreSQL would round. */
const seconds = (time: string) => `cast(date_trunc('second', ${time}) as timestamp(0))`;

/** Words that stand alone. Time is the statement's, as in Oracle, and the server's zone is UTC. */
const WORDS: Record<string, string> = {
  SYSDATE: seconds(`${NOW} at time zone 'UTC'`),
  SYSTIMESTAMP: NOW,
  CURRENT_TIMESTAMP: NOW,
  CURRENT_DATE: seconds(HERE),
  LOCALTIMESTAMP: HERE,
  DBTIMEZONE: `'+00:00'`,
  SESSIONTIMEZONE: `sys_context('USERENV', 'SESSIONTIMEZONE')`,
  USER: `sys_context('USERENV', 'SESSION_USER')`,
  MINUS: 'except',
};

type Rewrite = (args: Token[][]) => Token[] | null;

const FUNCTIONS: Record<string, Rewrite> = {
  NVL: (args) => sql`coalesce(${join(args, ',')})`,
  NVL2: ([value, some, none]) => sql`case when ${value!} is not null then ${some!} else ${none!} end`,
  DECODE: ([value, ...cases]) => decode(value!, cases),
  TO_DATE: ([text, format]) =>
    format
      ? sql`cast(to_timestamp(${text!},${dateFormat(format)}) as timestamp(0))`
      : sql`cast(${text!} as timestamp(0))`,
  TO_TIMESTAMP: ([text, format]) =>
    format ? sql`cast(to_timestamp(${text!},${dateFormat(format)}) as timestamp)` : sql`cast(${text!} as timestamp)`,
  TO_TIMESTAMP_TZ: ([text, format]) =>
    format ? sql`to_timestamp(${text!},${dateFormat(format)})` : sql`cast(${text!} as timestamptz)`,
  TO_CHAR: ([value, format]) =>
    format ? sql`to_char(${value!},${dateFormat(format)})` : sql`cast(${value!} as varchar)`,
  TO_NUMBER: (args) => (args.length === 1 ? sql`cast(${args[0]!} as numeric)` : null),
  TO_CLOB: ([value]) => sql`cast(${value!} as text)`,
  EMPTY_CLOB: () => sql`cast('' as text)`,
  EMPTY_BLOB: () => sql`cast('' as bytea)`,
  SYS_EXTRACT_UTC: ([value]) => sql`(${value!} at time zone 'UTC')`,
};

function decode(value: Token[], cases: Token[][]): Token[] {
  const whens: Token[] = [];
  for (let i = 0; i + 1 < cases.length; i += 2) {
    whens.push(...sql` when ${value} is not distinct from ${cases[i]!} then ${cases[i + 1]!}`);
  }
  const otherwise = cases.length % 2 === 1 ? sql` else ${cases[cases.length - 1]!}` : [];
  return sql`case${whens}${otherwise} end`;
}

function dateFormat(format: Token[]): Token[] {
  return format.map((token) =>
    token.kind === 'string'
      ? {
          ...token,
          text: token.text
            .replace(/\bRR(RR)?\b/gi, 'YYYY')
            .replace(/FF(?!\d)/gi, 'US')
            .replace(/FF[789]/gi, 'FF6'),
        }
      : token,
  );
}

/** Words that PostgreSQL keeps to itself and Oracle does not. */
const RESERVED = new Set([
  'LIMIT',
  'ANALYSE',
  'ARRAY',
  'DO',
  'PLACING',
  'VARIADIC',
  'WINDOW',
  'SYMMETRIC',
  'ASYMMETRIC',
]);

/**
 * Names: what Oracle folds to upper case PostgreSQL folds to lower case, so quoted names swap their case. Names of
 * results are swapped back in `columnName`.
 */
export function quotedName(name: string): string {
  const swapped = swapCase(name);
  return `"${swapped}"`;
}

export function swapCase(name: string): string {
  const upper = name.toUpperCase();
  if (name === upper) return name.toLowerCase();
  return name === name.toLowerCase() ? upper : name;
}

/** Rewrites a list of tokens, with all that is nested in it. */
export function rewrite(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === 'quoted') {
      result.push({ ...token, kind: 'symbol', text: quotedName(token.value) });
      continue;
    }
    if (token.kind === 'string' && token.text === "''") {
      result.push({ ...token, kind: 'symbol', text: 'null' });
      continue;
    }
    if (token.kind === 'number' && /^\d+$/.test(token.text) && isSymbol(tokens[previous(tokens, i - 1)], '/')) {
      result.push({ ...token, text: `${token.text}.0` }); // dividing whole numbers gives fractions
      continue;
    }
    if (token.kind !== 'word') {
      result.push(token);
      continue;
    }
    const qualified = isSymbol(tokens[previous(tokens, i - 1)], '.');
    const open = next(tokens, i + 1);
    const called = isSymbol(tokens[open], '(');
    if (called && !qualified) {
      const close = closing(tokens, open);
      const done = rewriteCall(token, tokens, open, close);
      if (done) {
        result.push(...done.tokens);
        i = done.last;
        continue;
      }
    }
    const sequence =
      isSymbol(tokens[i + 1], '.') && isWord(tokens[i + 2], 'NEXTVAL', 'CURRVAL') ? tokens[i + 2]! : null;
    if (token.value === 'ROWID' && !called && !isAlias(tokens, i)) {
      const table = qualified ? `${result.splice(-2)[0]?.text}.` : '';
      result.push(made(`rowid_of(${table}tableoid, ${table}ctid)`));
    } else if (sequence) {
      result.push(made(`${sequence.value.toLowerCase()}('${token.text.replaceAll("'", '')}')`));
      i += 2;
    } else if (!qualified && !called && token.value === 'DATE' && tokens[open]?.kind === 'string') {
      result.push(made('timestamp(0)'));
    } else if (!qualified && !called && WORDS[token.value] && !isAlias(tokens, i)) {
      result.push(made(WORDS[token.value]!));
    } else if (token.text.includes('#') || RESERVED.has(token.value)) {
      result.push({ ...token, text: `"${token.text.toLowerCase()}"` });
    } else {
      result.push(token);
    }
  }
  return result;
}

function isAlias(tokens: readonly Token[], i: number): boolean {
  return isWord(tokens[previous(tokens, i - 1)], 'AS');
}

function rewriteCall(name: Token, tokens: readonly Token[], open: number, close: number) {
  const inside = tokens.slice(open + 1, close);
  if (name.value === 'CAST') {
    const as = inside.findLastIndex((token) => isWord(token, 'AS'));
    if (as < 0) return null;
    const type = castType(trim(inside.slice(as + 1)));
    return { tokens: sql`cast(${rewrite(inside.slice(0, as))} as ${type})`, last: close };
  }
  if (name.value === 'LISTAGG') {
    const group = follows(tokens, close + 1, 'WITHIN', 'GROUP', '(');
    if (group < 0) return null;
    const end = closing(tokens, group - 1);
    const [value, separator] = split(inside, ',').map(rewrite);
    const order = rewrite(tokens.slice(group, end));
    return { tokens: sql`string_agg(cast(${value!} as text),${separator ?? sql`''`} ${order})`, last: end };
  }
  if (name.value.startsWith('JSON_')) {
    const returning = inside.findLastIndex((token) => isWord(token, 'RETURNING'));
    if (returning < 0) return null;
    const type = trim(inside.slice(returning + 1));
    // a domain, which CLOB is elsewhere, is no type that JSON can be returned as
    const into = isWord(type[0], 'CLOB') ? [made('text'), ...type.slice(1)] : castType(type);
    return { tokens: sql`${[name]}(${rewrite(inside.slice(0, returning))} returning ${into})`, last: close };
  }
  const handler = FUNCTIONS[name.value];
  if (!handler) return null;
  const args = trim(inside).length === 0 ? [] : split(inside, ',').map((part) => rewrite(trim(part)));
  const done = handler(args);
  return done && { tokens: done, last: close };
}

/** Types by Oracle's name: also those of columns, see `ddl.ts`. */
export const TYPES: Record<string, string> = {
  VARCHAR2: 'varchar',
  NVARCHAR2: 'varchar',
  VARCHAR: 'varchar',
  NUMBER: 'numeric',
  INTEGER: 'numeric(38)',
  INT: 'numeric(38)',
  SMALLINT: 'numeric(38)',
  FLOAT: 'numeric',
  BINARY_DOUBLE: 'double precision',
  BINARY_FLOAT: 'real',
  DATE: 'timestamp(0)',
  RAW: 'bytea',
  BLOB: 'oracle_standin.blob',
  CLOB: 'oracle_standin.clob',
  NCLOB: 'oracle_standin.clob',
  NCHAR: 'char',
  ROWID: 'varchar(18)',
};

/** A type with its sizes, as it stands in CAST and in columns. */
export function castType(tokens: readonly Token[]): Token[] {
  const [first, ...rest] = tokens;
  if (!first) return [];
  const type = TYPES[first.value];
  if (!type) return [...tokens];
  const sized = isSymbol(tokens[next(tokens, 1)], '(');
  if (!sized) return [made(type), ...rest];
  if (['RAW', 'FLOAT'].includes(first.value)) return [made(type)];
  const sizes = rest.filter((token) => !isWord(token, 'BYTE', 'CHAR'));
  const whole = sizes.map((token) => (isSymbol(token, '*') ? made('38') : token));
  return [made(type.replace(/\(.*/, '')), ...whole];
}
