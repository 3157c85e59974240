/** What reads the value of an option, or says in a sentence why it cannot. */
import { UserError } from '../user-error.ts';

/** The value that `text` stands for. Throws `UserError`; `option` is what it was given for, such as `--rounds`. */
export type Check<T> = (text: string, option: string) => T;

/** `a, b or c`. */
export function either(words: readonly (string | number)[]): string {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words.map(String));
}

/** An empty text is what a variable that is not set leaves on a command line. */
export function named(what: string): Check<string> {
  return (text, option) => {
    if (text !== '') return text;
    throw new UserError(`${option} needs the name of a ${what}, not "".`);
  };
}

export function oneOf<T extends string | number>(allowed: readonly T[]): Check<T> {
  return (text, option) => {
    const value = allowed.find((each) => String(each) === text);
    if (value !== undefined) return value;
    throw new UserError(`${option} must be ${either(allowed)}, not "${text}".`);
  };
}

export function wholeNumber(min: number, max: number): Check<number> {
  return (text, option) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
    throw new UserError(`${option} must be a whole number from ${min} to ${max}, not "${text}".`);
  };
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

/** `90s`, `5m`, `500ms`, of at least `min` milliseconds and at most a day; a bare number is seconds. Gives milliseconds. */
export function milliseconds(min: number): Check<number> {
  return (text, option) => {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
    const result = Number(number) * (UNITS[unit] ?? 0);
    if (number !== undefined && result >= min && result <= DAY_MS) return result;
    const limit = result > DAY_MS ? ' of at most 24h' : min > 0 ? ` of at least ${min} ms` : '';
    throw new UserError(`${option} must be a time such as 30s, 5m or 500ms${limit}, not "${text}".`);
  };
}

/** Several, with commas between them. */
export function listOf<T>(check: Check<T>): Check<T[]> {
  return (text, option) => text.split(',').map((part) => check(part.trim(), option));
}
