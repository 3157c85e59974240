/** LOBs of a session: temporary ones, and what queries and RETURNING gave as locators. */
import { OracleError, oracleError } from '../errors.ts';
import { Message, Type } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import { LobOperation, type LobRequest } from './lob-request.ts';

const LOCATOR_SIZE = 40;
const NUMBER_AT = 8;
const FLAG_TEMPORARY_AT = 7;
/** Bytes or characters that a client reads or writes at a time. */
const CHUNK = 8132;
/** Bytes that one session may hold. */
const LIMIT = 64 * 2 ** 20;

const WRITING: readonly number[] = [LobOperation.write, LobOperation.trim];

interface Lob {
  type: number;
  /** Text of a CLOB, bytes of a BLOB. */
  content: string | Buffer;
  /** What was fetched is a copy: written to, it would change no row. */
  temporary: boolean;
}

const sizeOf = ({ content }: Lob) => (typeof content === 'string' ? Buffer.byteLength(content) : content.length);

export class Lobs {
  readonly #lobs = new Map<number, Lob>();
  #bytes = 0;
  #last = 0;

  /** A locator for `content`. What has been fetched longest ago makes room. */
  add(type: number, content: string | Buffer, temporary = false): Buffer {
    const number = ++this.#last;
    const lob = { type, content, temporary };
    this.#lobs.set(number, lob);
    this.#bytes += sizeOf(lob);
    for (const oldest of this.#lobs.keys()) {
      if (this.#bytes <= LIMIT || oldest === number) break;
      this.#remove(oldest);
    }
    const locator = Buffer.alloc(LOCATOR_SIZE);
    locator.writeUInt16BE(LOCATOR_SIZE - 2, 0);
    locator[FLAG_TEMPORARY_AT] = 1; // so that the driver says when it needs it no more
    locator.writeUInt32BE(number, NUMBER_AT);
    return locator;
  }

  #remove(number: number): void {
    const lob = this.#lobs.get(number);
    if (!lob) return;
    this.#bytes -= sizeOf(lob);
    this.#lobs.delete(number);
  }

  #find(locator: Buffer): { number: number; lob: Lob } {
    const number = locator.length < NUMBER_AT + 4 ? 0 : locator.readUInt32BE(NUMBER_AT);
    const lob = this.#lobs.get(number);
    if (!lob) throw oracleError(22922);
    return { number, lob };
  }

  /** The whole content: for a bind. */
  content(locator: Buffer): string | Buffer {
    return this.#find(locator).lob.content;
  }

  free(locators: Buffer): void {
    for (let at = 0; at + LOCATOR_SIZE <= locators.length; at += LOCATOR_SIZE) {
      this.#remove(locators.readUInt32BE(at + NUMBER_AT));
    }
  }

  /** Locator, its length before it, as a value in a row. */
  write(writer: Writer, type: number, content: string | Buffer | null): void {
    if (content === null) {
      writer.ub(0);
      return;
    }
    writer.ub(LOCATOR_SIZE).ub(content.length).ub(CHUNK).sized(this.add(type, content));
  }

  /** Writes the answer, but for its end. Throws `OracleError`. */
  operate(request: LobRequest, writer: Writer): void {
    if (request.operation === LobOperation.createTemporary) {
      const locator = this.add(request.type, request.type === Type.clob ? '' : Buffer.alloc(0), true);
      writer.u8(Message.parameter).raw(locator).ub(873).u8(0);
      return;
    }
    const { number, lob } = this.#find(request.locator);
    const from = Math.max(0, request.offset - 1);
    let amount = request.amount;
    if (WRITING.includes(request.operation) && !lob.temporary) {
      throw new OracleError(
        22920,
        'row containing the LOB value is not locked: the stand-in writes no LOB through the locator of a row; bind a text, a buffer or a temporary LOB',
      );
    }
    switch (request.operation) {
      case LobOperation.read: {
        const part = slice(lob.content, from, from + amount);
        amount = part.length;
        writer.u8(Message.lobData).sized(Buffer.from(part as Buffer));
        break;
      }
      case LobOperation.write:
        this.#replace(number, lob, overwritten(lob, from, request.data ?? Buffer.alloc(0)));
        break;
      case LobOperation.trim:
        this.#replace(number, lob, lob.content.slice(0, amount));
        break;
      case LobOperation.chunkSize:
        amount = CHUNK;
        break;
      case LobOperation.length:
        amount = lob.content.length;
        break;
      case LobOperation.open:
      case LobOperation.close:
      case LobOperation.isOpen:
        break;
      default:
        throw new OracleError(
          3115,
          `unsupported network datatype or representation: LOB operation ${request.operation}`,
        );
    }
    writer.u8(Message.parameter).raw(request.locator);
    if (request.hasAmount) writer.ub(amount);
    if (request.operation === LobOperation.isOpen) writer.u8(0);
  }

  #replace(number: number, lob: Lob, content: string | Buffer): void {
    this.#bytes -= sizeOf(lob);
    lob.content = content;
    this.#bytes += sizeOf(lob);
    if (this.#bytes <= LIMIT) return;
    this.#remove(number);
    throw new OracleError(1652, 'unable to extend temp segment: the stand-in keeps 64 MiB of LOBs for a session');
  }
}

function overwritten({ content }: Lob, from: number, data: Buffer): string | Buffer {
  if (typeof content === 'string') {
    const text = data.toString();
    return content.slice(0, from).padEnd(from) + text + content.slice(from + text.length);
  }
  const gap = Buffer.alloc(Math.max(0, from - content.length));
  return Buffer.concat([content.subarray(0, from), gap, data, content.subarray(from + data.length)]);
}

/** A character outside the basic plane is two units of text, which must not be torn apart. */
function slice(content: string | Buffer, from: number, to: number): string | Buffer {
  if (typeof content !== 'string') return content.subarray(from, to);
  const torn = to < content.length && /[\ud800-\udbff]/.test(content[to - 1] ?? '');
  return content.slice(from, torn && to - 1 > from ? to - 1 : to);
}
