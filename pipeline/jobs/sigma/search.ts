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
  const pattern = wildcard(`*${word}*`);
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

/** The modifiers that are known: what they make of a field's value and the rule's. */
const MODIFIERS: Record<string, (expected: string) => Test> = {
  contains: (expected) => textTest(wildcard(`*${expected}*`)),
  startswith: (expected) => textTest(wildcard(`${expected}*`)),
  endswith: (expected) => textTest(wildcard(`*${expected}`)),
  re: (expected) => textTest(new RegExp(expected)),
  fieldref: (expected) => (value, event) =>
    valuesAt(event, expected.split('.')).some((other) => textOf(other) === textOf(value)),
  cidr: (expected) => {
    const network = new IntelList();
    if (!network.add(expected)) throw new Error(`"${expected}" is no network`);
    return (value) => network.has(textOf(value));
  },
  exists: (expected) => (value) => (value !== undefined) === (expected === 'true'),
  lt: (expected) => (value) => Number(value) < Number(expected),
  lte: (expected) => (value) => Number(value) <= Number(expected),
  gt: (expected) => (value) => Number(value) > Number(expected),
  gte: (expected) => (value) => Number(value) >= Number(expected),
};

function testFrom(expected: unknown, modifiers: readonly string[]): Test | { problem: string } {
  const unknown = modifiers.find((modifier) => !(modifier in MODIFIERS) && modifier !== 'cased');
  if (unknown || modifiers.length > 1) return { problem: `the modifier ${modifiers.join('|')} is not run` };
  const [modifier] = modifiers;
  if (expected === null) return (value) => value === undefined || value === null;
  try {
    if (modifier && modifier !== 'cased') return MODIFIERS[modifier]!(String(expected));
  } catch (error) {
    return { problem: (error as Error).message };
  }
  return textTest(wildcard(String(expected), modifier === 'cased'));
}

function textTest(pattern: { test(text: string): boolean }): Test {
  return (value) => value !== undefined && value !== null && pattern.test(textOf(value));
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

/** `*` and `?`, literal after a backslash; in any case. Takes time linear in the text, unless there is a `?`. */
function wildcard(text: string, cased = false): { test(text: string): boolean } {
  if (/(?<!\\)\?/.test(text)) return withQuestionMarks(text, cased);
  const plain = (part: string) => (cased ? part : part.toLowerCase()).replace(/\\([\\*?])/g, '$1');
  const parts = text.split(/(?<!\\)\*/).map(plain);
  const [first, last] = [parts[0]!, parts.at(-1)!];
  return {
    test(value) {
      const subject = cased ? value : value.toLowerCase();
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

function withQuestionMarks(text: string, cased: boolean): RegExp {
  const source = text.replace(/\\([\\*?])|([*?])|([^\w\s])/g, (_, escaped, wild, other) => {
    if (escaped) return `\\${escaped}`;
    return wild ? (wild === '*' ? '.*' : '.') : `\\${other}`;
  });
  return new RegExp(`^${source}$`, cased ? 's' : 'is');
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
