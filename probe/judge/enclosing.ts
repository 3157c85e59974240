/**
 * Whether a function is written inside another one, by the indentation of the source, and on one line by its brackets: V8
 * tells only where each begins.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Larger files are bundles, whose indentation tells nothing. */
const MAX_BYTES = 1024 * 1024;

/** Files whose lines are kept: the latest. */
const MAX_FILES = 20;

const files = new Map<string, string[] | null>();

interface Place {
  file: string;
  line: number;
  column: number;
}

/** From the code that runs to what is on disk; null where they are the same. */
export type ToDisk = (place: Place) => Place | null;

/** Both as `file:line:column` of where they begin. False when that cannot be told. */
export function functionEncloses(inner: string, outer: string): boolean {
  return isAround(place(outer), place(inner));
}

/** The same, where other code runs than is on disk. */
export function enclosesOnDisk(toDisk: ToDisk): typeof functionEncloses {
  const onDisk = (text: string): Place | null => {
    const own = place(text);
    return own && (toDisk(own) ?? own);
  };
  return (inner, outer) => isAround(onDisk(outer), onDisk(inner));
}

function isAround(around: Place | null, within: Place | null): boolean {
  if (!within || !around || within.file !== around.file || within.line < around.line) return false;
  const lines = linesOf(around.file);
  const first = lines?.[around.line - 1];
  if (!lines || first === undefined) return false;
  if (within.line === around.line) {
    return within.column > around.column && goesOn(first.slice(around.column - 1, within.column - 1));
  }
  const depth = indentation(first);
  // it ends where the text comes back to its indentation, but for the end of a long list of parameters
  const ends = lines
    .slice(around.line, within.line - 1)
    .some((text) => text.trim() !== '' && indentation(text) <= depth && !text.trimStart().startsWith(')'));
  return !ends;
}

/** What may end a function, and strings, in which nothing does. */
const SIGN = /[()[\]{},;]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

/** Whether a function that begins with `text` has not ended by then. Comments and patterns are taken for code. */
function goesOn(text: string): boolean {
  let depth = 0;
  // one after the other: a bundle's line is long, and most functions end soon
  for (const [sign] of text.matchAll(SIGN)) {
    if ('([{'.includes(sign)) depth++;
    else if (')]}'.includes(sign)) depth--;
    // past its body, or, of an arrow without one, past its expression
    if (depth < 0 || (depth === 0 && '},;'.includes(sign))) return false;
  }
  return true;
}

function place(text: string): Place | null {
  const [, file = '', line, column] = /^(.+):(\d+):(\d+)$/.exec(text) ?? [];
  return file === '' ? null : { file, line: Number(line), column: Number(column) };
}

function linesOf(file: string): string[] | null {
  let lines = files.get(file);
  if (lines === undefined) {
    lines = null;
    try {
      const path = file.startsWith('file:') ? fileURLToPath(file) : file;
      if (statSync(path).size <= MAX_BYTES) lines = readFileSync(path, 'utf8').split('\n');
    } catch {
      // no such file on disk: evaluated code, another container
    }
    const [oldest] = files.keys();
    if (files.size >= MAX_FILES && oldest !== undefined) files.delete(oldest);
    files.set(file, lines);
  }
  return lines;
}

function indentation(text: string): number {
  return text.length - text.trimStart().length;
}
