/**
 * The shape of an SQL statement: each literal becomes a question mark, since it may be a secret, and comments go.
 *
 * Nobody tells which database a statement is for, and they do not agree on where a string or a comment ends. So it is
 * read by the rules of each of them, and only what all read as code is shown. Where one of them comes to the end within
 * a string or a comment, the shape is cut. Linear in the statement.
 *
 * Errs on the side of hiding: double quotes are strings in MySQL and names elsewhere, and are shown only where no string
 * can stand; `#` hides the rest of its line also where it is an operator or part of a name.
 */

/** Characters that are read, and characters of a shape. */
const MAX_READ = 4096;
const MAX_SHAPE = 80;

/** What one database does and others do not. */
interface Rules {
  /** A backslash escapes in every string; elsewhere only in `E'…'`. */
  backslash?: boolean;
  /** `#` begins a comment, and `--` only with a space behind it; what stands in a comment with `!` is code. */
  mysqlComments?: boolean;
  nestedComments?: boolean;
  /** A carriage return ends the line, as far as `--` is concerned. */
  carriageReturn?: boolean;
  backticks?: boolean;
  brackets?: boolean;
}

const DATABASES: readonly Rules[] = [
  // PostgreSQL
  { nestedComments: true, carriageReturn: true },
  // MySQL
  { backslash: true, mysqlComments: true, backticks: true },
  // Oracle
  {},
  // SQL Server
  { nestedComments: true, brackets: true },
];

/** Bits of what is not shown. */
const LITERAL = 1;
const COMMENT = 2;

const WORD = /[\w$@\u0080-\uffff]+/y;
const NUMBER = /\d[\w.]*/y;
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]{0,62})?\$/y;
const NUMBERED_BIND = /:\d{1,6}/y;
const LINE = /[^\n\r]*/y;
const UNIX_LINE = /[^\n]*/y;
const EXECUTABLE = /\/\*!\d{0,6}/y;
/** Of `q'[…]'`. */
const CLOSING: Readonly<Record<string, string>> = { '[': ']', '{': '}', '(': ')', '<': '>' };
/** Words behind which a name stands; `from` only outside of brackets, for `trim(from "…")`. */
const PLAIN_NAME = /^[a-z_][\w $]{0,127}$/i;
const BEFORE_NAME = /^(?:join|into|update|table)$/i;
/** What something is set to needs no quotes, and may be a secret. */
const SETTING = /((?:^|; ?)set (?:(?:session|local|global) )?[\w."@`]+ ?(?::?=|to\b) ?)[^;]+/gi;
/** A password without quotes, and all behind it. */
const PASSWORD = /\b(identified\s+by\s+)\S.*$/i;

/** At most 80 characters. */
export function sqlShape(statement: string): string {
  const sql = statement.length > MAX_READ ? statement.slice(0, MAX_READ) : statement;
  const hidden = new Uint8Array(sql.length);
  const end = Math.min(...DATABASES.map((rules) => new Reading(sql, rules, hidden).end()));
  const text = shown(sql, hidden, end).replace(/\s+/g, ' ').trim();
  const code = text.replace(PASSWORD, '$1?').replace(SETTING, '$1?');
  const shape = end < statement.length ? `${code}…` : code;
  return shape.length > MAX_SHAPE ? `${shape.slice(0, MAX_SHAPE - 1)}…` : shape;
}

function shown(sql: string, hidden: Uint8Array, end: number): string {
  let text = '';
  for (let at = 0; at < end; at++) {
    const bits = hidden[at] as number;
    if (bits === 0) text += sql[at];
    else if ((bits & LITERAL) === 0) text += ' ';
    else if (at === 0 || ((hidden[at - 1] as number) & LITERAL) === 0) text += '?';
  }
  return text;
}

/** A statement, read by the rules of one database. */
class Reading {
  readonly #sql: string;
  readonly #rules: Rules;
  readonly #hidden: Uint8Array;
  #at = 0;
  #depth = 0;
  /** The word that stands right before, with nothing but space between. */
  #word = '';

  constructor(sql: string, rules: Rules, hidden: Uint8Array) {
    this.#sql = sql;
    this.#rules = rules;
    this.#hidden = hidden;
  }

  /** Marks what is not to be shown; returns how far the statement could be read. */
  end(): number {
    while (this.#at < this.#sql.length) {
      const from = this.#at;
      if (!(this.#space() || this.#comment() || this.#text() || this.#symbol())) return from;
    }
    return this.#at;
  }

  #space(): boolean {
    return this.#sql.charCodeAt(this.#at) <= 32 && this.#goTo(this.#at + 1, 0);
  }

  #comment(): boolean {
    const { mysqlComments = false } = this.#rules;
    const at = this.#at;
    const sql = this.#sql;
    if (sql.startsWith('--', at) && !(mysqlComments && /\S/.test(sql[at + 2] ?? ' '))) return this.#toLineEnd();
    if (mysqlComments && sql[at] === '#' && sql[at + 1] !== '>') return this.#toLineEnd();
    if (!sql.startsWith('/*', at)) return false;
    const executable = mysqlComments ? this.#match(EXECUTABLE) : null;
    if (executable !== null) return this.#goTo(at + executable.length, 0);
    return this.#goTo(this.#endOfComment(), COMMENT);
  }

  #toLineEnd(): boolean {
    return this.#goTo(
      this.#at + (this.#match(this.#rules.carriageReturn ? LINE : UNIX_LINE) as string).length,
      COMMENT,
    );
  }

  #endOfComment(): number {
    const sql = this.#sql;
    if (!this.#rules.nestedComments) return after(sql, '*/', this.#at + 2);
    let depth = 0;
    for (let at = this.#at; at < sql.length; at++) {
      if (sql[at] === '/' && sql[at + 1] === '*') depth++;
      else if (sql[at] === '*' && sql[at + 1] === '/') depth--;
      else continue;
      if (depth === 0) return at + 2;
      at++;
    }
    return -1;
  }

  /** Words, numbers, strings, and names in quotes; false where one does not end. */
  #text(): boolean {
    const sql = this.#sql;
    const at = this.#at;
    const first = sql[at] as string;
    const before = this.#word;
    this.#word = '';
    if (first === "'") return this.#string(this.#rules.backslash === true);
    if (first === '"') return this.#doubleQuoted(before);
    if (first === '`' && this.#rules.backticks) return this.#goTo(after(sql, '`', at + 1), 0);
    if (first === '[' && this.#rules.brackets) return this.#goTo(after(sql, ']', at + 1), 0);
    const tag = first === '$' ? this.#match(DOLLAR_TAG) : null;
    if (tag !== null) return this.#goTo(after(sql, tag, at + tag.length), LITERAL);
    const number = this.#match(NUMBER);
    if (number !== null) return this.#goTo(at + number.length, LITERAL);
    const word = this.#match(WORD);
    return word !== null && this.#wordOrPrefix(word);
  }

  #wordOrPrefix(word: string): boolean {
    const at = this.#at;
    const isPrefix = this.#sql[at + word.length] === "'" && /^(?:[enxb]|n?q)$/i.test(word);
    if (!isPrefix) {
      this.#word = word;
      return this.#goTo(at + word.length, 0);
    }
    this.#goTo(at + word.length, LITERAL);
    if (!/q$/i.test(word)) return this.#string(this.#rules.backslash === true || /e/i.test(word));
    const opening = this.#sql[this.#at + 1] ?? '';
    return this.#goTo(after(this.#sql, `${CLOSING[opening] ?? opening}'`, this.#at + 2), LITERAL);
  }

  #string(hasBackslash: boolean): boolean {
    return this.#goTo(endOfQuoted(this.#sql, this.#at, hasBackslash), LITERAL);
  }

  #doubleQuoted(before: string): boolean {
    const sql = this.#sql;
    const end = endOfQuoted(sql, this.#at, this.#rules.backslash === true);
    const isWhereNamesAre =
      BEFORE_NAME.test(before) ||
      (this.#depth === 0 && /^from$/i.test(before)) ||
      sql[this.#at - 1] === '.' ||
      sql[end] === '.';
    const isName = isWhereNamesAre && PLAIN_NAME.test(sql.slice(this.#at + 1, end - 1));
    return this.#goTo(end, isName ? 0 : LITERAL);
  }

  /** Whatever else; of numbers, only those of binds are shown. */
  #symbol(): boolean {
    const sql = this.#sql;
    const at = this.#at;
    // an opening of something that does not end is no symbol
    if (/['"]/.test(sql[at] as string) || sql.startsWith('/*', at)) return false;
    if (sql[at] === '`' && this.#rules.backticks) return false;
    if (sql[at] === '[' && this.#rules.brackets) return false;
    if (sql[at] === '$' && this.#match(DOLLAR_TAG) !== null) return false;
    if (sql[at] === '(') this.#depth++;
    if (sql[at] === ')') this.#depth--;
    const bind = /[\w'")\]:]/.test(sql[at - 1] ?? '') ? null : this.#match(NUMBERED_BIND);
    return this.#goTo(at + (bind?.length ?? 1), 0);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#sql)?.[0] ?? null;
  }

  /** `end` -1: it does not end. */
  #goTo(end: number, bits: number): boolean {
    if (end < 0) return false;
    if (bits !== 0) for (let at = this.#at; at < end; at++) this.#hidden[at] = (this.#hidden[at] as number) | bits;
    this.#at = end;
    return true;
  }
}

/** Index behind the next `text`, or -1. */
function after(sql: string, text: string, from: number): number {
  const at = sql.indexOf(text, from);
  return at < 0 ? -1 : at + text.length;
}

/** Of what is in the quotes that stand at `from`, doubled where they are meant: the index behind it, or -1. */
function endOfQuoted(sql: string, from: number, hasBackslash: boolean): number {
  const quote = sql[from];
  for (let at = from + 1; at < sql.length; at++) {
    if (sql[at] === '\\' && hasBackslash) at++;
    else if (sql[at] === quote && sql[at + 1] === quote) at++;
    else if (sql[at] === quote) return at + 1;
  }
  return -1;
}
