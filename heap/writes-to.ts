/**
 * Where a source adds to an object by computed keys, or to a collection, by the name that it has there: read as text, for
 * whoever adds leaves no trace in a heap.
 *
 * False negatives: by another name, and what spans lines. False positives: something else of the same name in that file.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Place } from './snapshot.ts';

const MOST_BYTES = 2_000_000;
/** More say no more. */
const MOST = 3;
const NAME = /^#?[A-Za-z_$][\w$]*$/;

/** In the first of the files that does. */
export function writesTo(name: string, files: Iterable<string>): Place[] {
  if (!NAME.test(name)) return [];
  const writes = writesOf(name);
  for (const file of new Set(files)) {
    if (!path.isAbsolute(file)) continue;
    const lines = textOf(file).split('\n');
    const found = lines.flatMap((text, i): Place[] => {
      const column = text.search(writes) + 1;
      return column === 0 ? [] : [{ file, line: i + 1, column }];
    });
    if (found.length > 0) return found.slice(0, MOST);
  }
  return [];
}

function writesOf(name: string): RegExp {
  const own = `(?<![\\w$#])${name.replaceAll('$', '\\$')}`;
  const key = `${own}!?\\s*\\[.+\\]\\s*(?:=(?![=>])|\\?\\?=|\\|\\|=)`;
  const method = `${own}!?\\??\\.(?:set|add|push|unshift|splice)\\(`;
  const onObject = `Object\\.(?:assign|defineProperty)\\(\\s*(?:[\\w$]+\\.)*${own}\\b`;
  return new RegExp(`${key}|${method}|${onObject}`);
}

function textOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    return text.length > MOST_BYTES ? '' : text;
  } catch {
    return '';
  }
}
