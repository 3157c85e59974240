/** Values within an answer: in rows of a query, and for binds that a statement writes to. */
import { Type } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import type { BindType } from './binds.ts';
import { type Column, encodeValue } from './columns.ts';
import type { Lobs } from './lobs.ts';

/** Above it a value is sent as a LONG is: the driver allows 32 KiB strings. */
const STRING_LIMIT = 32_767;

export function isLob(type: number): boolean {
  return type === Type.clob || type === Type.blob;
}

function lobContent(text: string | null, type: number): string | Buffer | null {
  if (text === null) return null;
  return type === Type.clob ? text : Buffer.from(text.slice(2), 'hex');
}

/** `define`: what the client wants a LOB column as. */
export function writeColumnValue(
  writer: Writer,
  text: string | null,
  column: Column,
  define: BindType | undefined,
  lobs: Lobs,
): void {
  if (isLob(column.type) && (!define || isLob(define.type))) {
    lobs.write(writer, column.type, lobContent(text, column.type));
    return;
  }
  writer.sized(encodeValue(text, column.type));
  const type = define && isLob(column.type) ? define.type : column.type;
  const size = define && isLob(column.type) ? define.maxSize : column.maxSize;
  if (type === Type.long || type === Type.longRaw || size > STRING_LIMIT) writer.u8(0, 0);
}

/** A value for a bind: with the length that it would have needed when it is cut. */
export function writeBindValue(writer: Writer, text: string | null, bind: BindType, lobs: Lobs): void {
  if (isLob(bind.type)) {
    lobs.write(writer, bind.type, lobContent(text, bind.type));
    writer.u8(0);
    return;
  }
  const bytes = encodeValue(text, bind.type);
  const national = bytes !== null && bind.national ? Buffer.from(bytes.toString(), 'utf16le').swap16() : bytes;
  const limited = (bind.type === Type.varchar || bind.type === Type.raw) && national !== null;
  if (limited && national.length > bind.maxSize) {
    writer.sized(national.subarray(0, bind.maxSize)).ub(national.length);
  } else {
    writer.sized(national).u8(0);
  }
}
