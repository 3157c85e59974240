/**
 * What a function names: the words of its own text, from where V8 says that it begins to its end. More words than it
 * has do no harm, as where an expression goes on without a semicolon; fewer would.
 */
import { readFileSync } from 'node:fs';
import type { Place } from './snapshot.ts';

const MOST_BYTES = 8_000_000;
/** As they are run; what a loader has compiled is elsewhere than in its file. */
const AS_WRITTEN = /\.[cm]?js$/;
const WORD = /[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;
/** After these a slash begins a regular expression. */
const BEFORE_REGEXP =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield))\s*$/;
/** By which text gets at what it has no name of: `Object.values(timers)`, `timers[id]`, `for (const id in timers)`. */
const KEYS = /\b(?:values|entries|keys|ownKeys|getOwnPropertyNames|assign|in)\b|\.{3}|[\w$)\]]\s*(?:\?\.)?\[/;
const CALL_BY_KEY = /\]\s*(?:\?\.)?\(/;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;
/** After the parentheses of these, too. */
const HEAD = /\b(?:if|while|for|with)\s*$/;
const PAIRS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

export interface FunctionText {
  words: ReadonlySet<string>;
  /** Its `this` is that of the code around it. */
  isArrow: boolean;
  /** Of some object, whatever they are. */
  goesThroughKeys: boolean;
  callsAny: boolean;
}

/** Null where its text cannot be known. */
export function functionText({ file, line, column }: Place): FunctionText | null {
  const source = AS_WRITTEN.test(file) ? sourceOf(file) : null;
  if (source === null) return null;
  const { text, lines } = source;
  const begin = (lines[line - 1] ?? text.length) + column - 1;
  const extent = begin < text.length ? extentOf(text, begin) : null;
  if (extent === null) return null;
  const own = text.slice(begin, extent.end);
  return {
    words: new Set(own.match(WORD)),
    isArrow: extent.isArrow,
    goesThroughKeys: KEYS.test(own),
    callsAny: CALL_BY_KEY.test(own),
  };
}

interface Source {
  text: string;
  /** Where each line begins. */
  lines: number[];
}

const sources: Map<string, Source | null> = new Map();

function sourceOf(file: string): Source | null {
  let source = sources.get(file);
  if (source === undefined) {
    source = read(file);
    sources.set(file, source);
  }
  return source;
}

function read(file: string): Source | null {
  try {
    // the mark at the beginning is not compiled
    const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    if (text.length > MOST_BYTES) return null;
    return { text, lines: [0, ...Array.from(text.matchAll(LINE_END), ({ index, 0: end }) => index + end.length)] };
  } catch {
    return null;
  }
}

/** Of a function that begins with its parameters, or of a class; null where that is not what begins here. */
function extentOf(text: string, begin: number): { end: number; isArrow: boolean } | null {
  if (text.startsWith('class', begin)) {
    return { end: skipTo(text, skipTo(text, begin, '{'), '}'), isArrow: false };
  }
  const [prefix = ''] =
    /^(?:async\s*)?(?:function\s*\*?\s*[\p{ID_Continue}$]*\s*)?/u.exec(text.slice(begin, begin + 200)) ?? [];
  let at = begin + prefix.length;
  if (text[at] === '(') at = skipTo(text, at + 1, ')');
  else at += /^[\p{ID_Continue}$]*/u.exec(text.slice(at, at + 200))?.[0].length ?? 0;
  const [arrow = ''] = /^\s*(?:=>\s*)?/.exec(text.slice(at, at + 200)) ?? [];
  at += arrow.length;
  const isArrow = arrow.includes('=>');
  if (text[at] === '{') return { end: skipTo(text, at + 1, '}'), isArrow };
  return isArrow ? { end: skipTo(text, at, ',;'), isArrow } : null;
}

/** Behind the first of `ends` that no bracket, string or comment is around, or at a bracket that closes what was before. */
function skipTo(text: string, from: number, ends: string): number {
  const open: string[] = [];
  /** Parentheses that are open of `if` and the like: how many brackets were, each; and where the latest such ended. */
  const heads: number[] = [];
  let headEnd = from;
  for (let at = from; at < text.length; ) {
    const char = text[at] as string;
    if (open.length === 0 && (ends.includes(char) || ')]}'.includes(char))) return at + 1;
    const closes = PAIRS[char];
    if (closes !== undefined) {
      if (char === '(' && HEAD.test(text.slice(Math.max(from, at - 40), at))) heads.push(open.length);
      open.push(closes);
    } else if (char === open.at(-1)) {
      open.pop();
      if (heads.at(-1) === open.length) {
        heads.pop();
        headEnd = at + 1;
      }
      // … and its template goes on
      if (open.at(-1) === '`') {
        open.pop();
        at = templateEnd(text, at + 1, open);
        continue;
      }
    }
    at = char === '`' ? templateEnd(text, at + 1, open) : tokenEnd(text, at, from, headEnd);
  }
  return text.length;
}

/** Behind a template, or behind the `${` of a hole in it, which is noted. */
function templateEnd(text: string, from: number, open: string[]): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
    else if (text.startsWith('${', at)) {
      open.push('`', '}');
      return at + 2;
    }
  }
  return text.length;
}

/** Behind a string, comment or regular expression, or behind the one character that it is. */
function tokenEnd(text: string, at: number, from: number, headEnd: number): number {
  const char = text[at] as string;
  if (char === '"' || char === "'") return quoteEnd(text, at + 1, char);
  if (char !== '/') return at + 1;
  if (text[at + 1] === '/') return endBehind(text, '\n', at);
  if (text[at + 1] === '*') return endBehind(text, '*/', at + 2);
  return BEFORE_REGEXP.test(text.slice(Math.max(from, headEnd, at - 40), at)) ? regExpEnd(text, at + 1) : at + 1;
}

function quoteEnd(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote || text[at] === '\n') return at + 1;
  }
  return text.length;
}

function regExpEnd(text: string, from: number): number {
  let isClass = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') isClass = true;
    else if (text[at] === ']') isClass = false;
    else if ((text[at] === '/' && !isClass) || text[at] === '\n') return at + 1;
  }
  return text.length;
}

function endBehind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at + mark.length;
}
