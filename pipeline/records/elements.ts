/** A byte stream → the JSON values in it, one at a time, in bounded memory; what is no JSON comes out as a problem. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isFields } from './fields.ts';
import { type Line, linesOf } from './lines.ts';
import { Unusable } from './record.ts';

/** Bytes, after unzipping. */
export interface Limits {
  /** A longer line or element is skipped with a problem. */
  record: number;
  /** Files up to this size may be one JSON document; longer ones are read line by line. */
  document: number;
}

export const LIMITS: Limits = { record: 8 * 1024 * 1024, document: 64 * 1024 * 1024 };

export type Element = {
  /** `line 12`, `record 3`, `line 12, record 3` or `file`. */
  position: string;
  /** Approximate, in bytes. */
  size: number;
} & ({ value: unknown } | { problem: Unusable; sample: Buffer });

/**
 * Understands, zipped or not: one JSON document (an array, `{ Records: [...] }` or one value) and JSON lines (each
 * line such a document). Never throws for what is in the stream.
 */
export async function* elementsOf(chunks: AsyncIterable<Buffer>, limits: Limits = LIMITS): AsyncIterable<Element> {
  const bytes = unzipped(chunks)[Symbol.asyncIterator]();
  try {
    const head = await read(bytes, limits.document);
    if (head.chunks[0]?.includes(0)) {
      const problem = new Unusable('binary', 'binary content');
      yield { position: 'file', size: 0, problem, sample: head.chunks[0].subarray(0, 1024) };
    } else if (head.complete) {
      yield* document(Buffer.concat(head.chunks), limits);
    } else {
      // Of an interrupted stream the whole lines are good; the torn one goes with the problem.
      yield* head.problem ? lines([wholeLines(head.chunks)], limits) : lines(chain(head.chunks, bytes), limits);
    }
    if (head.problem) throw head.problem;
  } catch (error) {
    yield { position: 'file', size: 0, problem: asUnusable(error), sample: Buffer.alloc(0) };
  } finally {
    await bytes.return?.();
  }
}

/** The beginning of a stream: all of it, or a little more than the limit, or what came before a problem. */
async function read(bytes: AsyncIterator<Buffer>, limit: number) {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    while (size <= limit) {
      const next = await bytes.next();
      if (next.done) return { chunks, complete: true, problem: null };
      chunks.push(next.value);
      size += next.value.length;
    }
    return { chunks, complete: false, problem: null };
  } catch (error) {
    return { chunks, complete: false, problem: error as Error };
  }
}

function wholeLines(chunks: Buffer[]): Buffer {
  const bytes = Buffer.concat(chunks);
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1);
}

async function* document(bytes: Buffer, limits: Limits): AsyncIterable<Element> {
  const parsed = parse(bytes);
  if ('value' in parsed) {
    yield* unwrapped(parsed.value, '', bytes.length, limits);
    return;
  }
  for await (const line of linesOf([bytes], limits.record)) {
    if (!line.oversized && !isFields(firstValue(line.bytes))) continue;
    yield* lines([bytes], limits);
    return;
  }
  // A broken document of many lines is one problem, not one per line.
  if (bytes.length > 0) yield { position: 'file', size: 0, problem: parsed.problem, sample: bytes.subarray(0, 1024) };
}

async function* lines(chunks: AsyncIterable<Buffer> | Iterable<Buffer>, limits: Limits): AsyncIterable<Element> {
  for await (const line of linesOf(chunks, limits.record)) {
    const position = `line ${line.number}`;
    const parsed = line.oversized ? { problem: oversized(limits) } : parse(line.bytes);
    if ('value' in parsed) yield* unwrapped(parsed.value, position, line.bytes.length, limits);
    else yield { position, size: 0, problem: parsed.problem, sample: sampleOf(line) };
  }
}

function* unwrapped(value: unknown, position: string, size: number, limits: Limits): Iterable<Element> {
  const inner = isFields(value) && Array.isArray(value.Records) ? value.Records : value;
  const elements = Array.isArray(inner) ? inner : [inner];
  for (const [index, element] of elements.entries()) {
    const where = [position, Array.isArray(inner) && `record ${index + 1}`].filter(Boolean).join(', ') || 'record 1';
    const text = size > limits.record ? JSON.stringify(element) : '';
    if (text.length <= limits.record)
      yield { position: where, size: Math.ceil(size / elements.length), value: element };
    else yield { position: where, size: 0, problem: oversized(limits), sample: Buffer.from(text.slice(0, 1024)) };
  }
}

function parse(bytes: Buffer): { value: unknown } | { problem: Unusable } {
  if (!isUtf8(bytes)) return { problem: new Unusable('not-json', 'not UTF-8 text') };
  if (isTooDeep(bytes)) return { problem: new Unusable('not-json', `nested deeper than ${DEEPEST} levels`) };
  try {
    return { value: JSON.parse(bytes.toString().replace(/^\uFEFF/, '')) };
  } catch (error) {
    const cause = (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, '');
    return { problem: new Unusable('not-json', `not valid JSON: ${cause.slice(0, 120)}`) };
  }
}

function firstValue(bytes: Buffer): unknown {
  const parsed = parse(bytes);
  if (!('value' in parsed)) return null;
  return Array.isArray(parsed.value) ? parsed.value[0] : parsed.value;
}

/** More than any record has; parsing an endless nest takes 40 times its size, and serializing it overflows the stack. */
const DEEPEST = 1_000;

function isTooDeep(json: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < json.length && depth <= DEEPEST; i++) {
    const byte = json[i];
    if (byte === 0x22) quoted = !quoted;
    else if (quoted) i += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return depth > DEEPEST;
}

function oversized(limits: Limits): Unusable {
  return new Unusable('oversized', `longer than the limit of ${limits.record} bytes`);
}

function sampleOf(line: Line): Buffer {
  return line.bytes.subarray(0, 1024);
}

function asUnusable(error: unknown): Unusable {
  const { code, message } = error as NodeJS.ErrnoException;
  return code?.startsWith('Z_')
    ? new Unusable('broken-gzip', `broken gzip: ${message}`)
    : new Unusable('unreadable', `cannot be read: ${message}`);
}

async function* unzipped(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const rest = chunks[Symbol.asyncIterator]();
  try {
    const first = await rest.next();
    if (first.done) return;
    const all = chain([first.value], rest);
    const zipped = first.value[0] === 0x1f && first.value[1] === 0x8b;
    // Errors reach the reader through the last stream, which `pipeline` destroys with them.
    yield* zipped ? pipeline(Readable.from(all), createGunzip(), () => {}) : all;
  } finally {
    await rest.return?.();
  }
}

async function* chain(first: Iterable<Buffer>, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
