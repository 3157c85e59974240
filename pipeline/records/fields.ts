/** Careful reading of parsed JSON of unknown shape. */
import { hash } from 'node:crypto';
import { Unusable } from './record.ts';

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at a key, or an empty one. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The first of the values that is a string with something in it. */
export function firstText(...values: unknown[]): string | null {
  for (const value of values) if (typeof value === 'string' && value !== '') return value;
  return null;
}

/** The first text among the values; throws `Unusable` when there is none. */
export function required(values: unknown, otherwise: string): string {
  const text = firstText(...(Array.isArray(values) ? values : [values]));
  if (text === null) throw new Unusable('incomplete', otherwise);
  return text;
}

/** ISO 8601 in UTC; throws `Unusable` when the text is no time. */
export function utcTime(text: string): string {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) throw new Unusable('incomplete', `"${text.slice(0, 40)}" is not a time`);
  // most are written so already; a 30th of February or the hour 24 would be written otherwise
  if (IN_UTC.test(text)) return text.length === 20 ? `${text.slice(0, 19)}.000Z` : text;
  return new Date(milliseconds).toISOString();
}

const IN_UTC = /^\d{4}-\d\d-(?:0\d|1\d|2[0-8])T(?!24)\d\d:\d\d:\d\d(?:\.\d{3})?Z$/;

/** A short stable id of the parts. */
export function contentId(...parts: string[]): string {
  return hash('sha256', parts.join('\n'), 'base64url').slice(0, 24);
}

const DEEPEST = 64;

/**
 * The value as a JSON column can hold it: NUL and lone surrogates become U+FFFD.
 * Throws `Unusable` when it is nested deeper than 64 levels, which databases and serializers refuse.
 */
export function storable(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) throw new Unusable('unknown-shape', `nested deeper than ${DEEPEST} levels`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const clean = storable(value[i], depth + 1);
      if (clean !== value[i]) value[i] = clean;
    }
    return value;
  }
  const fields = value as Fields;
  for (const key of Object.keys(fields)) {
    const before = fields[key];
    const clean = storableText(key);
    const inner = storable(before, depth + 1);
    if (clean === key && inner === before) continue;
    if (clean !== key) delete fields[key];
    // Plain assignment to `__proto__` would change the prototype instead of the field.
    Object.defineProperty(fields, clean, { value: inner, writable: true, enumerable: true, configurable: true });
  }
  return fields;
}

function storableText(text: string): string {
  // to look is much cheaper than to replace
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}
