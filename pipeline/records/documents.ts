/** A JSON document that goes on over several lines, or is longer than a record may be, in bounded memory. */
import type { Bytes } from './bytes.ts';
import { LISTS } from './envelope.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { Scanner } from './scanner.ts';

export type Piece =
  /** All of a document that is no longer than the limit. */
  | { kind: 'document'; bytes: Buffer }
  /** One element of the list of a longer one. `fields` are what stands before the list. */
  | { kind: 'element'; bytes: Buffer; index: number; oversized: boolean; list: string; fields: Fields }
  /** A longer one without a list that we know. */
  | { kind: 'oversized'; bytes: Buffer }
  /** No JSON. `rest` is what was read of it after its first line, to be looked at again; null when that went on. */
  | { kind: 'broken'; bytes: Buffer; problem: string; rest: Buffer | null };

/** The document that begins with the next byte; what comes after it is left in `bytes`. */
export async function* piecesOf(bytes: Bytes, limit: number): AsyncIterable<Piece> {
  const scanner = new Scanner(LISTS);
  const parts: Buffer[] = [];
  let size = 0;
  for (let chunk = await bytes.chunk(); chunk !== null; chunk = await bytes.chunk()) {
    const end = scan(scanner, chunk, limit - size);
    parts.push(chunk.subarray(0, end));
    size += end;
    bytes.giveBack(chunk.subarray(end));
    if (scanner.problem) break;
    if (scanner.ended) {
      yield { kind: 'document', bytes: Buffer.concat(parts) };
      return;
    }
    if (size >= limit) {
      bytes.giveBack(Buffer.concat(parts));
      yield* elementsOfLong(bytes, limit);
      return;
    }
  }
  const read = Buffer.concat(parts);
  const second = read.indexOf(10) + 1;
  const isShort = read.length - second <= LONGEST_REST;
  yield broken(read, scanner.problem, second > 0 && isShort ? read.subarray(second) : null);
}

/** A torn line shows within the next few; more is not read twice, or nests would be read a thousand times. */
const LONGEST_REST = 256 * 1024;

/** How many bytes were read of the chunk: to the end of the document, to where it is broken, or as many as allowed. */
function scan(scanner: Scanner, chunk: Buffer, most: number): number {
  const until = Math.min(chunk.length, most);
  for (let i = 0; i < until; i++) {
    scanner.feed(chunk[i]!);
    if (scanner.ended) return i + 1;
    if (scanner.problem) return i;
  }
  return until;
}

/** What stands before the list is kept up to this many bytes. */
const LONGEST_HEAD = 64 * 1024;
const SAMPLE = 1024;

async function* elementsOfLong(bytes: Bytes, limit: number): AsyncIterable<Piece> {
  const scanner = new Scanner(LISTS);
  const element = new Slice(limit);
  const head = new Slice(LONGEST_HEAD);
  let fields: Fields = {};
  let index = 0;
  for (let chunk = await bytes.chunk(); chunk !== null; chunk = await bytes.chunk()) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      const before = scanner.list;
      if (!element.open && scanner.awaitsElement && byte > 0x20 && byte !== 0x5d) element.begin(i);
      scanner.feed(byte);
      if (scanner.problem) {
        bytes.giveBack(chunk.subarray(i));
        yield broken(before === null ? head.take(chunk, i).bytes : chunk.subarray(0, i), scanner.problem, null);
        return;
      }
      if (before === null && scanner.list !== null) fields = fieldsBefore(head.take(chunk, i + 1));
      if (element.open && scanner.betweenElements) {
        const isSeparator = byte === 0x2c || (byte === 0x5d && scanner.listDepth === 0);
        yield {
          kind: 'element',
          index: index++,
          list: before!,
          fields,
          ...element.take(chunk, isSeparator ? i : i + 1),
        };
      }
      if (!scanner.ended) continue;
      bytes.giveBack(chunk.subarray(i + 1));
      if (scanner.list === null) yield { kind: 'oversized', bytes: head.take(chunk, i).bytes };
      return;
    }
    if (element.open) element.goOn(chunk);
    if (scanner.list === null) head.goOn(chunk);
  }
  yield broken(Buffer.alloc(0), null, null);
}

/** A part of the stream that may go over chunks; of a longer one than the limit only the beginning is kept. */
class Slice {
  open = false;
  readonly #limit: number;
  #parts: Buffer[] = [];
  #size = 0;
  /** Where it begins in the chunk at hand. */
  #from = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(at: number): void {
    this.open = true;
    this.#from = at;
  }

  /** The chunk has ended, the slice has not. */
  goOn(chunk: Buffer): void {
    this.#add(chunk.subarray(this.#from));
    this.#from = 0;
  }

  take(chunk: Buffer, end: number): { bytes: Buffer; oversized: boolean } {
    this.#add(chunk.subarray(this.#from, end));
    const taken = { bytes: Buffer.concat(this.#parts), oversized: this.#size > this.#limit };
    this.#parts = [];
    this.#size = 0;
    this.#from = 0;
    this.open = false;
    return taken;
  }

  #add(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size <= this.#limit) this.#parts.push(bytes);
    else if (this.#parts.length > 0 || bytes.length > 0) {
      this.#parts = [Buffer.concat([...this.#parts, bytes.subarray(0, SAMPLE)]).subarray(0, SAMPLE)];
    }
  }
}

/** `{"owner": "1", "logEvents": [` → `{ owner: '1' }`. */
function fieldsBefore({ bytes, oversized }: { bytes: Buffer; oversized: boolean }): Fields {
  try {
    return oversized ? {} : fieldsOf(JSON.parse(`${bytes}]}`));
  } catch {
    return {};
  }
}

function broken(bytes: Buffer, problem: string | null, rest: Buffer | null): Piece {
  return { kind: 'broken', bytes, problem: problem ?? 'it ends within a value', rest };
}
