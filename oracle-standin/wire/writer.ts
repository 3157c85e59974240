const SHORT_LIMIT = 252;
const CHUNK = 32_767;

/** Writes the primitives of TTC (Oracle's call protocol) into a buffer that grows. */
export class Writer {
  #bytes = Buffer.allocUnsafe(512);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** What was written; valid until the next write. */
  get result(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(count: number): number {
    const at = this.#at;
    const wanted = at + count;
    if (wanted > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#at = wanted;
    return at;
  }

  u8(...values: number[]): this {
    const at = this.#reserve(values.length);
    for (let i = 0; i < values.length; i++) this.#bytes[at + i] = values[i] as number;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  u16le(value: number): this {
    const at = this.#reserve(2);
    this.#bytes.writeUInt16LE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  zeros(count: number): this {
    const at = this.#reserve(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** An unsigned number behind its length: UB2, UB4 and UB8 are written alike. */
  ub(value: number): this {
    if (value === 0) return this.u8(0);
    if (value < 0x100) return this.u8(1, value);
    if (value < 0x1_0000) return this.u8(2).u16(value);
    if (value < 0x1_0000_0000) return this.u8(4).u32(value);
    return this.u8(8)
      .u32(Math.floor(value / 0x1_0000_0000))
      .u32(value % 0x1_0000_0000);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Bytes behind their length, chunked when long; null and none are one to Oracle. */
  sized(bytes: Uint8Array | null): this {
    if (bytes === null || bytes.length === 0) return this.u8(0);
    if (bytes.length <= SHORT_LIMIT) return this.u8(bytes.length).raw(bytes);
    this.u8(0xfe);
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      this.ub(chunk.length).raw(chunk);
    }
    return this.u8(0);
  }

  /** Text behind its length twice. */
  text(text: string): this {
    const bytes = Buffer.from(text);
    this.ub(bytes.length);
    return bytes.length > 0 ? this.sized(bytes) : this;
  }

  keyValue(key: string, value: string, flag = 0): this {
    return this.text(key).text(value).ub(flag);
  }
}
