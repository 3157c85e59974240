/**
 * The file of a heap snapshot, read piece by piece: one of half a gigabyte is longer than any string may be. It is JSON
 * whose top level is an object of one object, lists of numbers and a list of strings; what else is there is passed over.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Meta {
  node_fields: string[];
  node_types: [string[], ...unknown[]];
  edge_fields: string[];
  edge_types: [string[], ...unknown[]];
  location_fields: string[];
}

export interface Raw {
  meta: Meta;
  nodes: Uint32Array;
  edges: Uint32Array;
  locations: Uint32Array;
  strings: string[];
}

const PIECE = 4 * 1024 * 1024;
const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = Buffer.from('"\\[]{}') as unknown as number[];
const [ZERO = 0, NINE = 0] = Buffer.from('09');
const END = -1;

/** Throws what reading the file throws, and `SyntaxError` where it is no snapshot. */
export function parse(file: string): Raw {
  const source = new Source(file);
  try {
    const raw: Partial<Raw> = {};
    for (let key = source.string(); key !== null; key = source.string()) {
      if (key === 'snapshot') raw.meta = JSON.parse(source.value()).meta;
      else if (key === 'nodes' || key === 'edges' || key === 'locations') raw[key] = source.numbers();
      else if (key === 'strings') raw.strings = source.strings();
      else source.value();
    }
    const { meta, nodes, edges, locations, strings } = raw;
    if (!meta || !nodes || !edges || !locations || !strings) throw new SyntaxError('something is missing');
    return { meta, nodes, edges, locations, strings };
  } finally {
    source.close();
  }
}

class Source {
  readonly #descriptor: number;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #at = 0;
  #end = 0;
  /** Bytes of the string or value that is being read. */
  #text = Buffer.allocUnsafe(1024);

  constructor(file: string) {
    this.#descriptor = openSync(file, 'r');
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** The next string, whatever stands before it; null where the object or list ends instead. */
  string(): string | null {
    for (let byte = this.#next(); byte !== QUOTE; byte = this.#next()) {
      if (byte === CLOSE || byte === CLOSE_LIST) return null;
      if (byte === END) throw new SyntaxError('it ends too soon');
    }
    return this.#restOfString();
  }

  strings(): string[] {
    const all: string[] = [];
    for (let text = this.string(); text !== null; text = this.string()) all.push(text);
    return all;
  }

  numbers(): Uint32Array {
    let all = new Uint32Array(PIECE);
    let [count, value, isInside] = [0, 0, false];
    for (;;) {
      const byte = this.#next();
      if (byte >= ZERO && byte <= NINE) {
        value = value * 10 + byte - ZERO;
        isInside = true;
        continue;
      }
      if (isInside) {
        if (count === all.length) all = grown(all, new Uint32Array(2 * count));
        all[count++] = value;
        value = 0;
        isInside = false;
      }
      if (byte === CLOSE_LIST) return all.slice(0, count);
      if (byte === END) throw new SyntaxError('it ends too soon');
    }
  }

  /** Text of the object or list that comes next. */
  value(): string {
    let [length, depth, isString] = [0, 0, false];
    for (;;) {
      const byte = this.#next();
      if (byte === END) throw new SyntaxError('it ends too soon');
      const isOpening = byte === OPEN || byte === OPEN_LIST;
      if (depth === 0 && !isOpening) continue;
      length = this.#keep(byte, length);
      if (byte === QUOTE) isString = !isString;
      else if (isString && byte === BACKSLASH) length = this.#keep(this.#next(), length);
      else if (!isString && isOpening) depth++;
      else if (!isString && (byte === CLOSE || byte === CLOSE_LIST) && --depth === 0) {
        return this.#text.toString('utf8', 0, length);
      }
    }
  }

  #restOfString(): string {
    let [length, isPlain] = [0, true];
    for (let byte = this.#next(); byte !== QUOTE; byte = this.#next()) {
      if (byte === END) throw new SyntaxError('it ends too soon');
      length = this.#keep(byte, length);
      if (byte !== BACKSLASH) continue;
      isPlain = false;
      length = this.#keep(this.#next(), length);
    }
    const text = this.#text.toString('utf8', 0, length);
    return isPlain ? text : JSON.parse(`"${text}"`);
  }

  #keep(byte: number, at: number): number {
    if (at === this.#text.length) this.#text = grown(this.#text, Buffer.allocUnsafe(2 * at));
    this.#text[at] = byte;
    return at + 1;
  }

  #next(): number {
    if (this.#at === this.#end) {
      this.#end = readSync(this.#descriptor, this.#piece, 0, PIECE, null);
      this.#at = 0;
      if (this.#end === 0) return END;
    }
    return this.#piece[this.#at++] as number;
  }
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
