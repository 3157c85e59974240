/** CREATE, ALTER, DROP and TRUNCATE. */
import { castType, rewrite, TYPES } from './functions.ts';
import { closing, follows, isSymbol, isWord, made, next, print, SqlError, split, type Token, trim } from './tokens.ts';

/** Where and how data are stored: left out. The number is of the words that follow. */
const STORAGE: Record<string, number> = {
  TABLESPACE: 1,
  PCTFREE: 1,
  PCTUSED: 1,
  INITRANS: 1,
  LOGGING: 0,
  NOLOGGING: 0,
  COMPRESS: 0,
  NOCOMPRESS: 0,
  PARALLEL: 0,
  NOPARALLEL: 0,
  ENABLE: 0,
  MONITORING: 0,
};

export function translateDdl(tokens: readonly Token[]): string[] {
  const words = tokens.filter((token) => token.kind === 'word').map((token) => token.value);
  const [verb, second, third, fourth] = words;
  const object = second === 'OR' && third === 'REPLACE' ? fourth : second;
  switch (`${verb} ${object}`) {
    case 'CREATE TABLE':
      return [createTable(tokens)];
    case 'CREATE SEQUENCE':
      return [createSequence(tokens)];
    case 'CREATE INDEX':
    case 'CREATE UNIQUE':
    case 'CREATE VIEW':
    case 'CREATE FORCE':
      return [print(rewrite(withoutStorage(tokens.filter((token) => !isWord(token, 'FORCE')))))];
    case 'ALTER TABLE':
      return alterTable(tokens);
    case 'ALTER SEQUENCE':
      return [createSequence(tokens)];
    case 'ALTER INDEX':
    case 'DROP VIEW':
    case 'DROP SEQUENCE':
    case 'DROP INDEX':
    case 'TRUNCATE TABLE':
    case 'COMMENT ON':
      return [print(rewrite(tokens))];
    case 'DROP TABLE':
      return [dropTable(tokens)];
    default:
      throw refused(tokens, `the stand-in knows no ${verb} ${object ?? ''}`.trim());
  }
}

function refused(tokens: readonly Token[], sentence: string): SqlError {
  return new SqlError(900, sentence, tokens[0]?.at);
}

function withoutStorage(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const segment = follows(tokens, i, 'SEGMENT', 'CREATION');
    const organization = follows(tokens, i, 'ORGANIZATION');
    if (segment > 0 || organization > 0) {
      i = next(tokens, Math.max(segment, organization));
    } else if (isWord(token, 'PARTITION')) {
      throw refused(tokens, 'the stand-in knows no partitions');
    } else if (token.kind === 'word' && Object.hasOwn(STORAGE, token.value)) {
      for (let word = STORAGE[token.value]!; word > 0; word--) i = next(tokens, i + 1);
    } else {
      kept.push(token);
    }
  }
  return kept;
}

function createTable(tokens: readonly Token[]): string {
  const open = tokens.findIndex((token) => isSymbol(token, '('));
  const as = tokens.findIndex((token) => isWord(token, 'AS'));
  if (as >= 0 && (open < 0 || as < open)) return print(rewrite(withoutStorage(tokens)));
  if (open < 0) throw new SqlError(906, 'missing left parenthesis');
  const close = closing(tokens, open);
  const head = print(rewrite(tokens.slice(0, open)));
  const tail = print(rewrite(withoutStorage(tokens.slice(close + 1))));
  const parts = split(tokens.slice(open + 1, close), ',').map((part) => print(tableItem(part)));
  return `${head}(${parts.join(',')})${tail}`;
}

function tableItem(part: readonly Token[]): Token[] {
  const item = trim(withoutStorage(part));
  const constraint = isWord(item[0], 'CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK');
  return constraint ? rewrite(withoutIndex(item)) : column(item);
}

function withoutIndex(item: Token[]): Token[] {
  const using = item.findIndex((_, i) => follows(item, i, 'USING', 'INDEX') > 0);
  return using < 0 ? item : item.slice(0, using);
}

/** `name type constraints` */
function column(item: readonly Token[]): Token[] {
  const name = item[0];
  if (!name) throw new SqlError(904, 'invalid identifier');
  const at = next(item, 1);
  const { type, end } = columnType(item, at);
  const identity = item.findIndex((token) => isWord(token, 'GENERATED'));
  const rest: Token[] = [];
  for (let i = end; i < item.length; i++) {
    const onNull = follows(item, i, 'ON', 'NULL');
    if (onNull > 0) i = onNull - 1;
    else rest.push(item[i]!);
  }
  // only whole numbers count up by themselves in PostgreSQL
  const shown = identity >= 0 && /^numeric/.test(type) ? 'bigint' : type;
  return [...rewrite([name]), made(` ${shown} `), ...rewrite(withoutIndex(rest))];
}

/** The type at `at`, and the index after it. */
function columnType(item: readonly Token[], at: number): { type: string; end: number } {
  const first = item[at];
  if (!first) throw new SqlError(902, 'invalid datatype', item[0]?.at);
  let end = at + 1;
  const open = next(item, end);
  if (isSymbol(item[open], '(')) end = closing(item, open) + 1;
  if (isWord(first, 'LONG')) {
    const raw = follows(item, end, 'RAW');
    return raw > 0 ? { type: 'oracle_standin.long_raw', end: raw } : { type: 'oracle_standin.long', end };
  }
  if (isWord(first, 'TIMESTAMP')) {
    const local = follows(item, end, 'WITH', 'LOCAL', 'TIME', 'ZONE');
    const zoned = local > 0 ? local : follows(item, end, 'WITH', 'TIME', 'ZONE');
    const precision = Math.min(6, Number(item.slice(at, end).find((token) => token.kind === 'number')?.text ?? 6));
    return { type: `timestamp${zoned > 0 ? 'tz' : ''}(${precision})`, end: zoned > 0 ? zoned : end };
  }
  if (isWord(first, 'INTERVAL')) {
    const to = item.findIndex((token, i) => i > at && isWord(token, 'TO'));
    const year = follows(item, at, 'INTERVAL', 'YEAR') > 0;
    const last = next(item, to + 1);
    const sized = isSymbol(item[next(item, last + 1)], '(');
    return {
      type: `interval ${year ? 'year to month' : 'day to second'}`,
      end: sized ? closing(item, next(item, last + 1)) + 1 : last + 1,
    };
  }
  if (!isWord(first, 'CHAR') && !TYPES[first.value]) {
    throw new SqlError(902, `invalid datatype: the stand-in knows no type ${first.text}`, first.at);
  }
  return { type: print(castType(trim(item.slice(at, end)))), end };
}

const SEQUENCE: [RegExp, string][] = [
  [/\bNO(MAXVALUE|MINVALUE|CYCLE)\b/gi, 'no $1'],
  [/\b(NOCACHE|NOORDER|ORDER|NOKEEP|KEEP)\b/gi, ''],
  [/\bMAXVALUE\s+\d{19,}/gi, ''],
];

function createSequence(tokens: readonly Token[]): string {
  return SEQUENCE.reduce((text, [pattern, by]) => text.replace(pattern, by), print(rewrite(tokens)));
}

function dropTable(tokens: readonly Token[]): string {
  const end = tokens.findIndex((token) => isWord(token, 'CASCADE', 'PURGE'));
  const cascade = tokens.some((token) => isWord(token, 'CASCADE'));
  const text = print(rewrite(end < 0 ? tokens : tokens.slice(0, end)));
  return `${text}${cascade ? ' cascade' : ''}`;
}

function alterTable(tokens: readonly Token[]): string[] {
  const name = next(tokens, follows(tokens, 0, 'ALTER', 'TABLE'));
  let action = name + 1;
  while (isSymbol(tokens[next(tokens, action)], '.')) action = next(tokens, next(tokens, action) + 1) + 1;
  action = next(tokens, action);
  const head = print(rewrite(tokens.slice(0, action)));
  const first = tokens[action];
  const rest = trim(tokens.slice(action + 1));
  const items = isSymbol(rest[0], '(') ? split(rest.slice(1, closing(rest, 0)), ',').map(trim) : [rest];
  if (isWord(first, 'ADD')) {
    const parts = items.map((item) =>
      isWord(item[0], 'CONSTRAINT', 'PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK')
        ? `add ${print(tableItem(item))}`
        : `add column ${print(tableItem(item))}`,
    );
    return [`${head}${parts.join(', ')}`];
  }
  if (isWord(first, 'MODIFY')) return [`${head}${items.flatMap(modify).join(', ')}`];
  if (isWord(first, 'DROP', 'RENAME')) {
    const text = print(rewrite(tokens)).replace(/\bcascade\s+constraints\b/i, 'cascade');
    return [
      text.replace(/\bdrop\s*\(([^)]*)\)/i, (_, names: string) =>
        names
          .split(',')
          .map((column) => `drop column ${column}`)
          .join(', '),
      ),
    ];
  }
  throw refused(tokens, `the stand-in knows no ALTER TABLE … ${first?.text ?? ''}`);
}

function modify(item: readonly Token[]): string[] {
  const name = print(rewrite(item.slice(0, 1)));
  const at = next(item, 1);
  const actions: string[] = [];
  let rest = at;
  if (!isWord(item[at], 'NOT', 'NULL', 'DEFAULT')) {
    const { type, end } = columnType(item, at);
    actions.push(`alter column ${name} type ${type}`);
    rest = end;
  }
  const tail = trim(item.slice(rest));
  const value = tail.findIndex((token) => isWord(token, 'DEFAULT'));
  const not = tail.findIndex((_, i) => follows(tail, i, 'NOT', 'NULL') > 0);
  if (value >= 0)
    actions.push(
      `alter column ${name} set default ${print(rewrite(tail.slice(value + 1, not < value ? undefined : not)))}`,
    );
  if (not >= 0) actions.push(`alter column ${name} set not null`);
  else if (isWord(tail[0], 'NULL')) actions.push(`alter column ${name} drop not null`);
  return actions;
}
