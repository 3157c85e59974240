/**
 * What a statement does to its session beyond its own answer, by its text.
 *
 * Most statements do nothing, and their first letters say so: that is all they cost.
 *
 * False positives: what a routine of the database's undoes.
 * False negatives: what a routine does; what follows an ordinary statement in the same text; very long texts.
 */
import type { LeftNature } from '../../adapters.ts';
import type { Answer } from './answers.ts';

export type Effect =
  | { readonly does: 'begin' | 'commit' | 'roll back' }
  /** `name`: of a savepoint. */
  | { readonly does: 'save' | 'roll back to'; readonly name: string }
  | {
      readonly does: 'leave';
      readonly nature: LeftNature;
      /** Which one: the name of the setting, of the lock. */
      readonly key: string;
      /** What it was set to; null where there is nothing to compare. Stays in the process: it may be a secret. */
      readonly value: string | null;
      /** Taken twice, it is to be given back twice. */
      readonly isCounted: boolean;
      /** Of a lock that is merely tried: where the server says that it was granted. */
      readonly answer: Answer | null;
      /** A transaction that is rolled back takes it along. */
      readonly goesByRollback: boolean;
    }
  | {
      readonly does: 'undo';
      /** Null: everything. */
      readonly nature: LeftNature | null;
      /** Null: all but those that it `keeps`. */
      readonly key: string | null;
      readonly keeps: readonly string[];
    };

export interface Dialect {
  /** What else than whitespace and comments a text may begin with to have an effect, in lower case. */
  readonly words: ReadonlySet<string>;
  /** … of which these are read only where a call of one of its functions is in the text. */
  readonly calls: RegExp;
  /** Strings, names in quotes and comments, in which a semicolon ends nothing. Each may end with the text. */
  readonly opaque: RegExp;
  /** Ordinary statements that were found to do nothing: a service gives the same ones over and over. */
  readonly idle: Set<string>;
  /** Of one statement, without comments before it. `values`: what it is bound to, by `$1` or in order. */
  effects(statement: string, word: string, values: Values): readonly Effect[];
}

/** Bound values by position, as far as they are given by position. */
export type Values = readonly unknown[];

const NO_EFFECTS: readonly Effect[] = [];

/** Words that begin an ordinary statement, which may call something. */
const ORDINARY: ReadonlySet<string> = new Set(['select', 'with', 'do', 'call', 'values']);
/** Characters of an ordinary statement in which a call is looked for. */
const MAX_LOOK = 2000;
/** Idle ones that are remembered, and characters of each. */
const MAX_IDLE = 500;
const MAX_IDLE_TEXT = 500;
/** Of a longer text nothing is read: with its beginning alone, what it undoes at its end would seem left. */
const MAX_READ = 20_000;

const FIRST_WORD = /(?:[\s(]|\/\*[^*]*(?:\*(?!\/)[^*]*)*\*\/|--[^\n]*\n)*([a-z]+)/iy;
/** First letters of words that are read: b, c, d, e, f, l, p, r, s, u, v, w; a comment or a bracket may come before. */
const LETTERS = lettersOf('abcdeflprsuvw/-(');

export function effectsOf(text: string, values: unknown, dialect: Dialect): readonly Effect[] {
  if (dialect.idle.has(text)) return NO_EFFECTS;
  let at = 0;
  while (text.charCodeAt(at) <= 32) at++;
  const first = text.charCodeAt(at);
  if (LETTERS[first < 128 ? first : 0] === 0) return NO_EFFECTS;
  const word = firstWord(text);
  if (!dialect.words.has(word) || text.length > MAX_READ) return NO_EFFECTS;
  const bound: Values = Array.isArray(values) ? values : [];
  if (ORDINARY.has(word)) {
    const looked = text.length > MAX_LOOK ? text.slice(0, MAX_LOOK) : text;
    if (dialect.calls.test(looked)) return dialect.effects(text, word, bound);
    if (text.length <= MAX_IDLE_TEXT && dialect.idle.size < MAX_IDLE) dialect.idle.add(text);
    return NO_EFFECTS;
  }
  const statements = statementsIn(text, dialect.opaque);
  if (statements.length === 1) return dialect.effects(bare(text), word, bound);
  return statements.flatMap((statement) => {
    const own = firstWord(statement);
    return dialect.words.has(own) ? dialect.effects(bare(statement), own, bound) : NO_EFFECTS;
  });
}

function firstWord(text: string): string {
  FIRST_WORD.lastIndex = 0;
  return FIRST_WORD.exec(text)?.[1]?.toLowerCase() ?? '';
}

/** From its first word on, without the semicolon at its end. */
function bare(statement: string): string {
  FIRST_WORD.lastIndex = 0;
  const [, word = ''] = FIRST_WORD.exec(statement) ?? [];
  let end = statement.length;
  while (/[;\s]/.test(statement.charAt(end - 1))) end--;
  return statement.slice(FIRST_WORD.lastIndex - word.length, end);
}

function statementsIn(text: string, opaque: RegExp): string[] {
  const end = text.indexOf(';');
  if (end < 0 || text.slice(end + 1).trim() === '') return [text];
  // of the same length, so that positions stay
  const code = text.replace(opaque, (found) => ' '.repeat(found.length));
  const statements: string[] = [];
  for (let from = 0; from < text.length; ) {
    const next = code.indexOf(';', from);
    const to = next < 0 ? text.length : next;
    statements.push(text.slice(from, to));
    from = to + 1;
  }
  return statements.filter((statement) => statement.trim() !== '');
}

export const leave = (
  nature: LeftNature,
  key: string,
  more: Partial<Extract<Effect, { does: 'leave' }>> = {},
): Effect => ({
  ...{ does: 'leave', nature, key, value: null },
  ...{ isCounted: false, answer: null, goesByRollback: false },
  ...more,
});

export const undo = (nature: LeftNature | null, key: string | null = null, keeps: readonly string[] = []): Effect => ({
  ...{ does: 'undo', nature, key, keeps },
});

/** A name as the server knows it: without quotes, and in lower case. */
export function nameOf(text: string): string {
  return text.replace(/["`]/g, '').trim().toLowerCase();
}

/** An argument in whatever way it was written or bound. */
export function argumentOf(text: string, values: Values): string {
  const bound = text.replace(/\$(\d{1,3})/g, (_, number) => String(values[Number(number) - 1]).slice(0, 100));
  return bound.replace(/::\s*[\w ]+|['"\s]/g, '').toLowerCase();
}

/** A table of characters, for a test of one. */
function lettersOf(characters: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const character of characters) {
    table[character.charCodeAt(0)] = 1;
    table[character.toUpperCase().charCodeAt(0)] = 1;
  }
  return table;
}
