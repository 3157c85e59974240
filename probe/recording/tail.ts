/** A recording that somebody still writes: what was added since is read, not the whole again. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { Draft } from './draft.ts';
import { isSound } from './entries.ts';
import { fold } from './fold.ts';
import type { Recording } from './format.ts';
import { openRegular } from './readable.ts';

const CHUNK = 1024 * 1024;
const NEWLINE = 10;

export class Tail {
  readonly #file: string;
  #draft: Draft | null = null;
  /** Bytes that were read, and those of a line that has no end yet. */
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** The recording up to now; null as long as its first line is not there. `hasNews`: something came since. */
  read(): { recording: Recording | null; hasNews: boolean } {
    const before = this.#offset;
    this.#take();
    const recording = this.#draft?.end() ?? null;
    return { recording, hasNews: this.#offset !== before };
  }

  #take(): void {
    let descriptor: number | null = null;
    try {
      descriptor = openRegular(this.#file);
      // another one has taken its place
      if (fstatSync(descriptor).size < this.#offset) this.#beginAnew();
      const chunk = Buffer.alloc(CHUNK);
      for (;;) {
        const bytes = readSync(descriptor, chunk, 0, CHUNK, this.#offset);
        if (bytes === 0) return;
        this.#offset += bytes;
        this.#lines(Buffer.concat([this.#rest, chunk.subarray(0, bytes)]));
      }
    } catch {
      // gone, or not to be read: what is known stays
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  #beginAnew(): void {
    this.#draft = null;
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
  }

  #lines(data: Buffer): void {
    let from = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, from)) {
      this.#line(data.subarray(from, end).toString());
      from = end + 1;
    }
    this.#rest = Buffer.from(data.subarray(from));
  }

  #line(text: string): void {
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      return;
    }
    if (!isSound(line)) return;
    if (line.t === 'process') this.#draft ??= new Draft(this.#file, line);
    if (this.#draft) fold(this.#draft, line);
  }
}
