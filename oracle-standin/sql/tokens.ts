/** Oracle's SQL cut into tokens, and small helpers to rewrite lists of them. */

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'bind' | 'symbol' | 'space';

export interface Token {
  kind: TokenKind;
  /** As it will be printed. */
  text: string;
  /** Of a word: upper case. Of a bind: its name, upper case unless quoted. Else the text. */
  value: string;
  /** Of a bind: which one of the statement's, from 0. */
  bind?: number;
  /** Where it stands in the statement, in characters; -1: made here. */
  at: number;
}

/** A statement that the stand-in refuses: an ORA error with a sentence. */
export class SqlError extends Error {
  override name = 'SqlError';
  readonly code: number;
  /** Characters into the statement. */
  readonly at: number;

  constructor(code: number, sentence: string, at = 0) {
    super(sentence);
    this.code = code;
    this.at = at;
  }
}

const CLOSING: Record<string, string> = { '[': ']', '{': '}', '(': ')', '<': '>' };
const ALTERNATIVE_QUOTE = /[nN]?[qQ]'/y;
/** The N of a national literal, which is as any other here. */
const NATIONAL = /[nN](?=')/y;

const PATTERNS: [TokenKind, RegExp][] = [
  ['space', /(?:\s|--[^\n]*|\/\*[\s\S]*?\*\/)+/y],
  ['string', /'(?:[^']|'')*'/y],
  ['quoted', /"[^"]+"/y],
  ['word', /[\p{L}_][\p{L}\p{N}_$#]*/uy],
  ['number', /(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['bind', /:\s*(?:"[^"]+"|\d+|[\p{L}][\p{L}\p{N}_$#]*)/uy],
  ['symbol', /\|\||<>|!=|\^=|<=|>=|:=|=>|\.\.|\*\*|[^']/y],
];

/** `byName`: binds of one name are one bind, as in PL/SQL; in SQL each occurrence is one of its own. */
export function tokenize(sql: string, byName = false): Token[] {
  const tokens = cut(sql);
  const binds = tokens.filter((token) => token.kind === 'bind');
  const names = [...new Set(binds.map((token) => token.value))];
  binds.forEach((token, i) => {
    token.bind = byName ? names.indexOf(token.value) : i;
  });
  return tokens;
}

function cut(sql: string): Token[] {
  const tokens: Token[] = [];
  let afterString = false;
  for (let at = 0; at < sql.length; ) {
    if (matched(NATIONAL, sql, at) !== null) at++;
    const token: Cut | null = alternativelyQuoted(sql, at) ?? plainToken(sql, at, afterString);
    if (!token) throw new SqlError(1756, 'quoted string not properly terminated', at);
    tokens.push(token);
    if (token.kind !== 'space') afterString = token.kind === 'string';
    at += token.length;
  }
  return tokens;
}

interface Cut extends Token {
  /** In the statement, which the text need not have. */
  length: number;
}

function matched(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? null;
}

/** `q'[it's]'` */
function alternativelyQuoted(sql: string, at: number): Cut | null {
  const start = matched(ALTERNATIVE_QUOTE, sql, at);
  if (start === null) return null;
  const opening = at + start.length;
  const end = sql.indexOf(`${CLOSING[sql[opening] ?? ''] ?? sql[opening]}'`, opening + 1);
  if (end < 0) return null;
  const text = `'${sql.slice(opening + 1, end).replaceAll("'", "''")}'`;
  return { kind: 'string', text, value: text, at, length: end + 2 - at };
}

/** `afterString`: a colon there is no bind, but part of a JSON constructor; the driver sees it so. */
function plainToken(sql: string, at: number, afterString: boolean): Cut | null {
  for (const [kind, pattern] of PATTERNS) {
    if (kind === 'bind' && afterString) continue;
    const text = matched(pattern, sql, at);
    if (text === null) continue;
    // a comment to the end of its line must not hide what a rewriting adds
    const printed = kind === 'space' && /--|\/\*/.test(text) ? ' ' : text;
    return { kind, text: printed, value: meaning(kind, text), at, length: text.length };
  }
  return null;
}

function meaning(kind: TokenKind, text: string): string {
  if (kind === 'word') return text.toUpperCase();
  if (kind === 'quoted') return text.slice(1, -1);
  if (kind !== 'bind') return text;
  const name = text.slice(1).trim();
  return name.startsWith('"') ? name.slice(1, -1) : name.toUpperCase();
}

/** For tokens that a rewriting adds. */
export function made(text: string): Token {
  return { kind: 'symbol', text, value: text, at: -1 };
}

export function print(tokens: readonly Token[]): string {
  let text = '';
  for (const token of tokens) text += token.text;
  return text;
}

/** Index of the next token that is no space, from `from`; the list's length when there is none. */
export function next(tokens: readonly Token[], from: number): number {
  let i = from;
  while (i < tokens.length && tokens[i]?.kind === 'space') i++;
  return i;
}

export function previous(tokens: readonly Token[], from: number): number {
  let i = from;
  while (i >= 0 && tokens[i]?.kind === 'space') i--;
  return i;
}

export function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === 'word' && words.includes(token.value);
}

export function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text;
}

/** Index after the last of `words` when they stand at `from`, one after the other; else -1. */
export function follows(tokens: readonly Token[], from: number, ...words: string[]): number {
  let i = from;
  for (const word of words) {
    i = next(tokens, i);
    const token = tokens[i];
    if (token?.kind !== 'word' && token?.kind !== 'symbol') return -1;
    if (token.value !== word) return -1;
    i++;
  }
  return i;
}

/** Index of the bracket that closes the one at `open`. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isSymbol(tokens[i], '(')) depth++;
    else if (isSymbol(tokens[i], ')') && --depth === 0) return i;
  }
  throw new SqlError(907, 'missing right parenthesis', tokens[open]?.at);
}

/** `tokens` cut at each `separator` that stands in no brackets. */
export function split(tokens: readonly Token[], separator: string): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isSymbol(token, '(')) depth++;
    else if (isSymbol(token, ')')) depth--;
    if (depth === 0 && isSymbol(token, separator)) parts.push([]);
    else (parts[parts.length - 1] as Token[]).push(token);
  }
  return parts;
}

export function trim(tokens: readonly Token[]): Token[] {
  return tokens.slice(next(tokens, 0), previous(tokens, tokens.length - 1) + 1);
}
