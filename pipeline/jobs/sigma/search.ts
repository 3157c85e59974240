/** A named search of a Sigma rule: a map of fields that all have to match, or a list of maps or words of which one does. */
import { type Fields, isFields } from '../../records/fields.ts';
import { IntelList } from '../intel.ts';
import type { Search } from './expression.ts';

type Parsed = { search: Search } | { problem: string };
type Test = (value: unknown, event: Fields) => boolean;

export function searchFrom(content: unknown): Parsed {
  if (isFields(content))
    return joined(
      Object.entries(content).map(([key, value]) => fieldFrom(key, value)),
      'all',
    );
  if (!Array.isArray(content) || content.length === 0) return { problem: 'neither a map nor a list' };
  return joined(
    content.map((part) => (isFields(part) ? searchFrom(part) : keyword(part))),
    'some',
  );
}

/** A word anywhere in the event. */
function keyword(word: unknown): Parsed {
  const pattern = patternOf(around(String(word), '*', '*'), false);
  return { search: (event) => pattern.test(JSON.stringify(event)) };
}

function fieldFrom(key: string, value: unknown): Parsed {
  const [field = '', ...modifiers] = key.split('|');
  const all = modifiers.includes('all');
  const tests = [value].flat().map((one) =>
    testFrom(
      one,
      modifiers.filter((modifier) => modifier !== 'all'),
    ),
  );
  const wrong = tests.find((test): test is { problem: string } => typeof test !== 'function');
  if (wrong) return wrong;
  const path = field.split('.');
  const search: Search = (event) => {
    const found = valuesAt(event, path);
    const passes = (test: Test) =>
      found.length === 0 ? test(undefined, event) : found.some((each) => test(each, event));
    return all ? (tests as Test[]).every(passes) : (tests as Test[]).some(passes);
  };
  return { search };
}

/** What a modifier makes of a field's value and the rule's, with those that may follow it. */
type Modifier = { more: readonly string[]; test(expected: string, more: readonly string[]): Test };

const text = (before: '' | '*', after: '' | '*'): Modifier => ({
  more: ['cased'],
  test: (expected, more) => textTest(patternOf(around(expected, before, after), more.includes('cased'))),
});

const number = (holds: (value: number, limit: number) => boolean): Modifier => ({
  more: [],
  test: (expected) => {
    const limit = Number(expected);
    return (value) => isNumber(value) && holds(Number(value), limit);
  },
});

/** The modifiers that are known; without one it is `equals`. */
const MODIFIERS: Record<string, Modifier> = {
  equals: text('', ''),
  contains: text('*', '*'),
  startswith: text('', '*'),
  endswith: text('*', ''),
  re: { more: ['i', 'm', 's'], test: (expected, more) => textTest(new RegExp(expected, more.join(''))) },
  fieldref: {
    more: ['contains', 'startswith', 'endswith'],
    test:
      (expected, [how = 'equals']) =>
      (value, event) =>
        valuesAt(event, expected.split('.')).some((other) => COMPARED[how]!(lower(value), lower(other))),
  },
  cidr: {
    more: [],
    test: (expected) => {
      const network = new IntelList();
      if (!network.add(expected)) throw new Error(`"${expected}" is no network`);
      return (value) => network.has(textOf(value));
    },
  },
  exists: { more: [], test: (expected) => (value) => (value !== undefined) === (expected === 'true') },
  lt: number((value, limit) => value < limit),
  lte: number((value, limit) => value <= limit),
  gt: number((value, limit) => value > limit),
  gte: number((value, limit) => value >= limit),
};

const COMPARED: Record<string, (one: string, other: string) => boolean> = {
  equals: (one, other) => one === other,
  contains: (one, other) => one.includes(other),
  startswith: (one, other) => one.startsWith(other),
  endswith: (one, other) => one.endsWith(other),
};

function testFrom(expected: unknown, modifiers: readonly string[]): Test | { problem: string } {
  const [name = 'equals', ...others] = modifiers[0] === 'cased' ? ['equals', ...modifiers] : modifiers;
  const modifier = Object.hasOwn(MODIFIERS, name) ? MODIFIERS[name] : undefined;
  if (!modifier || !others.every((each) => modifier.more.includes(each))) {
    return { problem: `the modifier ${modifiers.join('|')} is not run` };
  }
  if (expected === null) return (value) => value === undefined || value === null;
  try {
    return modifier.test(String(expected), others);
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function textTest(pattern: { test(text: string): boolean }): Test {
  return (value) => value !== undefined && value !== null && pattern.test(textOf(value));
}

function isNumber(value: unknown): boolean {
  const isText = typeof value === 'string' && value.trim() !== '';
  return (isText || typeof value === 'number') && !Number.isNaN(Number(value));
}

function lower(value: unknown): string {
  return textOf(value).toLowerCase();
}

/** Objects and lists as the text that searches of log stores see. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** At a path of names; a list on the way stands for each of its elements. */
function valuesAt(value: unknown, [name, ...rest]: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => valuesAt(each, name === undefined ? [] : [name, ...rest]));
  if (name === undefined) return value === undefined ? [] : [value];
  return isFields(value) && Object.hasOwn(value, name) ? valuesAt(value[name], rest) : [];
}

/** A wildcard, or a text that stands for itself. */
interface Token {
  text: string;
  isWild: boolean;
}

/** `*` and `?` are wildcards, literal after a backslash, which is literal before anything else. */
function tokensOf(text: string): Token[] {
  const tokens = text.matchAll(/\\([\\*?])|([*?])|[^\\*?]+|\\/g);
  return Array.from(tokens, ([all, escaped, wild]) => ({ text: escaped ?? all, isWild: wild !== undefined }));
}

function around(text: string, before: '' | '*', after: '' | '*'): Token[] {
  const star = (sign: string) => (sign === '*' ? [{ text: '*', isWild: true }] : []);
  return [...star(before), ...tokensOf(text), ...star(after)];
}

/** In any case unless it is cased. Takes time linear in the text, unless there is a `?`. */
function patternOf(tokens: readonly Token[], cased: boolean): { test(text: string): boolean } {
  if (tokens.some(({ text, isWild }) => isWild && text === '?')) return withQuestionMarks(tokens, cased);
  const fold = (text: string) => (cased ? text : text.toLowerCase());
  const parts = [''];
  for (const { text, isWild } of tokens) {
    if (isWild) parts.push('');
    else parts[parts.length - 1] += fold(text);
  }
  const [first, last] = [parts[0]!, parts.at(-1)!];
  return {
    test(value) {
      const subject = fold(value);
      if (parts.length === 1) return subject === first;
      if (!subject.startsWith(first) || !subject.endsWith(last)) return false;
      let at = first.length;
      for (const part of parts.slice(1, -1)) {
        const found = subject.indexOf(part, at);
        if (found === -1) return false;
        at = found + part.length;
      }
      return at + last.length <= subject.length;
    },
  };
}

function withQuestionMarks(tokens: readonly Token[], cased: boolean): RegExp {
  const source = tokens.map(({ text, isWild }) => {
    if (!isWild) return text.replace(/[^\w\s]/g, '\\$&');
    return text === '*' ? '.*' : '.';
  });
  return new RegExp(`^${source.join('')}$`, cased ? 's' : 'is');
}

function joined(parts: readonly Parsed[], how: 'all' | 'some'): Parsed {
  const searches: Search[] = [];
  for (const part of parts) {
    if ('problem' in part) return part;
    searches.push(part.search);
  }
  return {
    search: (event) =>
      how === 'all' ? searches.every((search) => search(event)) : searches.some((search) => search(event)),
  };
}
