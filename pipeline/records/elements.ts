/** A byte stream → the JSON values in it, some at a time, in bounded memory; what is no JSON comes out as a problem. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Bytes, type Line } from './bytes.ts';
import { type Piece, piecesOf } from './documents.ts';
import { type Envelope, listIn } from './envelope.ts';
import { Unusable } from './record.ts';
import { DEEPEST } from './scanner.ts';

/** Bytes, after unzipping. */
export interface Limits {
  /** A longer record is skipped with a problem. Documents may be of any size. */
  record: number;
}

export const LIMITS: Limits = { record: 8 * 1024 * 1024 };

export type Element = {
  /** `line 12`; `line 12, record 3` of a list that begins there; `lines 4 to 9`; `file`. */
  position: string;
  /** Approximate, in bytes. */
  size: number;
} & ({ value: unknown; envelope?: Envelope } | { problem: Unusable; sample: Buffer });

/**
 * Understands, zipped or not, JSON lines and JSON documents of any size, one after another: a list (`[…]`, or one under
 * a key of `envelope.ts`) gives its elements, anything else is one value. Values come as soon as they are there, those
 * that are there at once together: to wait for each would cost more than to parse it.
 * Never throws for what is in the stream: what is broken is one problem, lines of plain text that follow each other
 * another one, and reading goes on at the next line that begins with a brace.
 */
export async function* elementsOf(chunks: AsyncIterable<Buffer>, limits: Limits = LIMITS): AsyncIterable<Element[]> {
  const source = unzipped(chunks)[Symbol.asyncIterator]();
  const bytes = new Bytes(source);
  try {
    const first = await bytes.chunk();
    if (first?.includes(0)) {
      yield [asProblem('file', new Unusable('binary', 'binary content'), first)];
      return;
    }
    bytes.giveBack(first ?? Buffer.alloc(0));
    yield* readElements(bytes, limits);
  } catch (error) {
    yield [asProblem('file', asUnusable(error), Buffer.alloc(0))];
  } finally {
    await source.return?.();
  }
}

/** At most so many together: a document has them all at once. */
const TOGETHER = 1_000;

async function* readElements(bytes: Bytes, limits: Limits): AsyncIterable<Element[]> {
  const found: Element[] = [];
  const taken = () => found.splice(0);
  /** Lines of text, not told yet. */
  let text: { from: number; to: number; problem: Unusable; sample: Buffer } | null = null;
  /** A broken document came before, and this may be its rest. */
  let isRest = false;
  let wasBroken = false;

  const tell = () => {
    if (text) found.push(asProblem(linesFrom(text.from, text.to), text.problem, text.sample));
    text = null;
  };

  for (;;) {
    const ready = bytes.readyLine(limits.record);
    if (ready === null && found.length > 0) yield taken();
    const line = ready ?? (await bytes.line(limits.record));
    if (line === null) break;
    if (line.whole && isBlank(line.bytes, wasBroken)) continue;
    const parsed = line.whole ? parse(line.bytes) : { problem: oversized(limits) };
    // Of a broken document, what its writer did not put at the start of a line belongs to it.
    isRest &&= line.bytes[0] !== 0x7b;
    if (isRest) {
      if (!line.whole) await bytes.skipLine();
      continue;
    }
    if ('value' in parsed) {
      tell();
      for (const element of unwrapped(parsed.value, `line ${line.number}`, line.bytes.length)) {
        if (found.push(element) >= TOGETHER) yield taken();
      }
    } else if (beginsDocument(line.bytes)) {
      tell();
      if (found.length > 0) yield taken();
      giveBack(bytes, line);
      for await (const piece of piecesOf(bytes, limits.record)) {
        for (const element of fromPiece(piece, `line ${line.number}`, limits)) {
          if (found.push(element) >= TOGETHER) yield taken();
        }
        if (piece.kind !== 'broken') {
          yield taken();
          continue;
        }
        isRest = wasBroken = true;
        if (piece.rest) bytes.giveBack(piece.rest);
        else await bytes.skipLine();
      }
    } else {
      if (!line.whole) await bytes.skipLine();
      if (text?.problem.reason !== parsed.problem.reason) tell();
      text ??= { from: line.number, to: line.number, problem: parsed.problem, sample: line.bytes.subarray(0, SAMPLE) };
      text.to = line.number;
    }
  }
  tell();
  if (found.length > 0) yield found;
}

const SAMPLE = 1024;

function giveBack(bytes: Bytes, line: Line): void {
  if (line.broken) bytes.giveBack(Buffer.from('\n'));
  const hasMark = line.number === 1 && line.bytes.toString('latin1', 0, 3) === '\xEF\xBB\xBF';
  bytes.giveBack(hasMark ? line.bytes.subarray(3) : line.bytes);
}

function* fromPiece(piece: Piece, position: string, limits: Limits): Iterable<Element> {
  if (piece.kind === 'oversized') yield asProblem(position, oversized(limits), piece.bytes);
  if (piece.kind === 'broken') {
    yield asProblem(position, new Unusable('not-json', `not valid JSON: ${piece.problem}`), piece.bytes);
  }
  if (piece.kind !== 'document' && piece.kind !== 'element') return;
  const where = piece.kind === 'element' ? `${position}, record ${piece.index + 1}` : position;
  const parsed = piece.kind === 'element' && piece.oversized ? { problem: oversized(limits) } : parse(piece.bytes);
  if ('problem' in parsed) yield asProblem(where, parsed.problem, piece.bytes);
  else if (piece.kind === 'document') yield* unwrapped(parsed.value, where, piece.bytes.length);
  else {
    const { list, fields } = piece;
    yield { position: where, size: piece.bytes.length, value: parsed.value, envelope: { list, fields } };
  }
}

function* unwrapped(value: unknown, position: string, size: number): Iterable<Element> {
  const found = listIn(value);
  if (found === null) {
    yield { position, size, value };
    return;
  }
  const { elements, list, fields } = found;
  for (const [index, element] of elements.entries()) {
    const share = Math.ceil(size / elements.length);
    yield { position: `${position}, record ${index + 1}`, size: share, value: element, envelope: { list, fields } };
  }
}

function parse(bytes: Buffer): { value: unknown } | { problem: Unusable } {
  if (!isUtf8(bytes)) return { problem: new Unusable('not-json', 'not UTF-8 text') };
  if (mayBeDeep(bytes) && isTooDeep(bytes)) {
    return { problem: new Unusable('not-json', `nested deeper than ${DEEPEST} levels`) };
  }
  try {
    return { value: JSON.parse(bytes[0] === 0xef ? bytes.toString().replace(/^\uFEFF/, '') : bytes.toString()) };
  } catch (error) {
    const cause = (error as Error).message.replace(/, (\.\.\.)?".*is not valid JSON$/s, '');
    return { problem: new Unusable('not-json', `not valid JSON: ${cause.slice(0, 120)}`) };
  }
}

/** It has as many brackets that open, a number that is found without looking at each byte. */
function mayBeDeep(json: Buffer): boolean {
  if (json.length <= DEEPEST) return false;
  let brackets = 0;
  for (const bracket of [0x5b, 0x7b]) {
    for (let at = json.indexOf(bracket); at !== -1 && brackets <= DEEPEST; at = json.indexOf(bracket, at + 1))
      brackets++;
  }
  return brackets > DEEPEST;
}

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

function beginsDocument(bytes: Buffer): boolean {
  return /^(?:\xEF\xBB\xBF)?\s*[[{]/.test(bytes.toString('latin1', 0, 256));
}

/** The commas and brackets that a broken list leaves between its elements are nothing either. */
function isBlank(bytes: Buffer, withRest: boolean): boolean {
  return bytes.every((byte) => BLANKS.has(byte) || (withRest && RESTS.has(byte)));
}

const BLANKS = new Set(Buffer.from(' \t\r'));
const RESTS = new Set(Buffer.from(',]}'));

function linesFrom(from: number, to: number): string {
  return from === to ? `line ${from}` : `lines ${from} to ${to}`;
}

function oversized(limits: Limits): Unusable {
  return new Unusable('oversized', `longer than the limit of ${limits.record} bytes`);
}

function asProblem(position: string, problem: Unusable, bytes: Buffer): Element {
  return { position, size: 0, problem, sample: bytes.subarray(0, SAMPLE) };
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
