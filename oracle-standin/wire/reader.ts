/** Thrown for bytes that no client of this protocol would send. Ends the session that sent them, and nothing else. */
export class MalformedPacket extends Error {
  override name = 'MalformedPacket';
}

const LONG = 0xfe;
const NULL = 0xff;

/** Reads the primitives of TTC (Oracle's call protocol) from one whole request. */
export class Reader {
  #at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new MalformedPacket(`${count} bytes wanted where ${this.left} are left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  skip(count: number): void {
    this.bytes(count);
  }

  u8(): number {
    return this.bytes(1)[0] as number;
  }

  u16(): number {
    return this.bytes(2).readUInt16BE();
  }

  /** Unsigned with a length byte, at most `width` bytes. */
  #unsigned(width: number): number {
    const length = this.u8();
    if (length === 0) return 0;
    if (length > width) throw new MalformedPacket(`a number of ${length} bytes where at most ${width} may be`);
    if (length <= 6) return this.bytes(length).readUIntBE(0, length);
    const bytes = this.bytes(length);
    const low = bytes.readUIntBE(length - 6, 6);
    return bytes.readUIntBE(0, length - 6) * 2 ** 48 + low;
  }

  ub2(): number {
    return this.#unsigned(2);
  }

  ub4(): number {
    return this.#unsigned(4);
  }

  ub8(): number {
    return this.#unsigned(8);
  }

  /** Bytes behind their length, chunked when long; null for none. */
  sized(): Buffer | null {
    const length = this.u8();
    if (length === 0 || length === NULL) return null;
    if (length !== LONG) return this.bytes(length);
    const chunks: Buffer[] = [];
    for (let chunk = this.ub4(); chunk > 0; chunk = this.ub4()) chunks.push(this.bytes(chunk));
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  /** Text that stands behind its length twice. */
  text(): string {
    return this.ub4() > 0 ? (this.sized()?.toString() ?? '') : '';
  }

  /** `count` pairs of key and value; flags are of no use to a server. */
  keyValues(count: number): Map<string, string> {
    const pairs = new Map<string, string>();
    for (let i = 0; i < count; i++) {
      pairs.set(this.text(), this.text());
      this.ub4();
    }
    return pairs;
  }
}
