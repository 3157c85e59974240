/** A byte stream that is read by lines or by chunks; what was taken too early can be given back. */

export interface Line {
  /** From 1. */
  number: number;
  /** Without its line break; of a line over the limit, its beginning. */
  bytes: Buffer;
  /** False of a line over the limit: its rest is still to be read. */
  whole: boolean;
  /** It had a line break, which the last line may lack. */
  broken: boolean;
}

export class Bytes {
  readonly #source: AsyncIterator<Buffer>;
  /** Read from the source, and not yet given out. */
  readonly #ready: Buffer[] = [];
  #line = 1;

  constructor(source: AsyncIterator<Buffer>) {
    this.#source = source;
  }

  /** What comes next, as the source has cut it; null at the end. */
  async chunk(): Promise<Buffer | null> {
    const chunk = await this.#next();
    if (chunk) this.#line += breaksIn(chunk);
    return chunk;
  }

  /** To be read again, before all else. */
  giveBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#ready.unshift(bytes);
    this.#line -= breaksIn(bytes);
  }

  /** The next line if all of it has been read already: nothing is waited for then. Else null, and nothing is taken. */
  readyLine(limit: number): Line | null {
    const chunk = this.#ready[0];
    const end = chunk?.indexOf(10) ?? -1;
    if (!chunk || end === -1 || end > limit) return null;
    if (end + 1 < chunk.length) this.#ready[0] = chunk.subarray(end + 1);
    else this.#ready.shift();
    return { number: this.#line++, bytes: chunk.subarray(0, end), whole: true, broken: true };
  }

  /** At most `limit` bytes and a chunk; null at the end. Throws what the source throws: the torn line is lost then. */
  async line(limit: number): Promise<Line | null> {
    const parts: Buffer[] = [];
    const number = this.#line;
    let size = 0;
    for (;;) {
      const chunk = await this.#next();
      if (chunk === null) return size === 0 ? null : { number, bytes: joined(parts), whole: true, broken: false };
      const end = chunk.indexOf(10);
      // Of a long line the break is left to whoever reads its rest.
      const whole = end !== -1 && size + end <= limit;
      if (whole) {
        parts.push(chunk.subarray(0, end));
        if (end + 1 < chunk.length) this.#ready.unshift(chunk.subarray(end + 1));
        this.#line++;
        return { number, bytes: joined(parts), whole, broken: true };
      }
      const taken = end === -1 ? chunk : chunk.subarray(0, end);
      if (end !== -1) this.#ready.unshift(chunk.subarray(end));
      parts.push(taken);
      size += taken.length;
      if (size > limit) return { number, bytes: joined(parts), whole, broken: false };
    }
  }

  /** Past the next line break. */
  async skipLine(): Promise<void> {
    for (;;) {
      const chunk = await this.#next();
      if (chunk === null) return;
      const end = chunk.indexOf(10);
      if (end === -1) continue;
      if (end + 1 < chunk.length) this.#ready.unshift(chunk.subarray(end + 1));
      this.#line++;
      return;
    }
  }

  async #next(): Promise<Buffer | null> {
    const ready = this.#ready.shift();
    if (ready) return ready;
    const next = await this.#source.next();
    return next.done ? null : next.value;
  }
}

function joined(parts: Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function breaksIn(bytes: Buffer): number {
  let breaks = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) breaks++;
  return breaks;
}
