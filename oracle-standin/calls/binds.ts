/** Bind variables: what a client says of each, and their values as text or bytes that PostgreSQL understands. */
import { decodeDouble, decodeFloat, decodeNumber } from '../wire/numbers.ts';
import { MalformedPacket, type Reader } from '../wire/reader.ts';
import { decodeInterval, decodeTime } from '../wire/times.ts';
import { Type } from '../wire/ttc.ts';

const ARRAY = 0x40;
const NATIONAL = 2;
/** Longer values stand after the others in a row. */
const STRING_LIMIT = 32_767;
/** More than any statement may have in Oracle. */
const MAX_BINDS = 65_535;

export interface BindType {
  type: number;
  array: boolean;
  /** Bytes. */
  maxSize: number;
  national: boolean;
}

/** A cursor or LOB stays what the client sent: its number or locator. */
export type BindValue = string | Buffer | null | { cursor: number } | { locator: Buffer } | { unsupported: string };

export function readBindTypes(reader: Reader, count: number, fieldVersion: number): BindType[] {
  if (count > MAX_BINDS) throw new MalformedPacket(`${count} binds`);
  return Array.from({ length: count }, () => {
    const type = reader.u8();
    const flags = reader.u8();
    reader.skip(2);
    const maxSize = reader.ub4();
    reader.ub4();
    reader.ub8();
    if (reader.ub4() > 0) reader.sized();
    reader.ub2();
    reader.ub2();
    const national = reader.u8() === NATIONAL;
    reader.ub4();
    if (fieldVersion >= 8) reader.ub4();
    return { type, array: (flags & ARRAY) !== 0, maxSize, national };
  });
}

/** One row of values, in the order of `types`. `block`: of PL/SQL, where long values keep their place. */
export function readBindRow(
  reader: Reader,
  types: readonly BindType[],
  block: boolean,
  sessionOffset: number,
): BindValue[] {
  const values = new Array<BindValue>(types.length);
  const late = (bind: BindType) => !block && bind.maxSize > STRING_LIMIT && !bind.array;
  for (const pass of [false, true]) {
    types.forEach((bind, i) => {
      if (late(bind) === pass) values[i] = readBind(reader, bind, sessionOffset);
    });
  }
  return values;
}

function readBind(reader: Reader, bind: BindType, sessionOffset: number): BindValue {
  if (!bind.array) return readValue(reader, bind, sessionOffset);
  const count = reader.ub4();
  if (count > reader.left) throw new MalformedPacket(`an array of ${count} values`);
  for (let i = 0; i < count; i++) readValue(reader, bind, sessionOffset);
  return { unsupported: 'arrays as PL/SQL binds' };
}

function readValue(reader: Reader, { type, national }: BindType, sessionOffset: number): BindValue {
  switch (type) {
    case Type.cursor:
      return reader.ub4() === 0 ? null : { cursor: reader.ub4() };
    case Type.clob:
    case Type.blob: {
      if (reader.ub4() === 0) return null;
      const locator = reader.sized();
      return locator && { locator };
    }
    case Type.json:
    case Type.vector:
      if (reader.ub4() > 0) {
        reader.sized();
        reader.sized();
      }
      return { unsupported: type === Type.json ? 'JSON binds' : 'VECTOR binds' };
    case Type.object:
      throw new MalformedPacket('an object, which the stand-in does not know');
    case Type.boolean: {
      const length = reader.u8();
      // null is written as an escape and 1
      if (length === 0xfd) reader.skip(1);
      return length === 1 || length === 2 ? String((reader.bytes(length)[0] as number) === 1) : null;
    }
    default: {
      const bytes = reader.sized();
      return bytes && decode(bytes, type, national, sessionOffset);
    }
  }
}

function decode(bytes: Buffer, type: number, national: boolean, sessionOffset: number): string | Buffer {
  switch (type) {
    case Type.varchar:
    case Type.char:
    case Type.long:
    case Type.rowid:
    case Type.urowid:
      return national ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString();
    case Type.number:
    case Type.binaryInteger:
      return decodeNumber(bytes);
    case Type.raw:
    case Type.longRaw:
      return bytes;
    case Type.date:
    case Type.timestamp:
      return decodeTime(bytes, null);
    case Type.timestampTz:
    case Type.timestampLtz:
      return decodeTime(bytes, sessionOffset);
    case Type.binaryDouble:
      return decodeDouble(bytes);
    case Type.binaryFloat:
      return decodeFloat(bytes);
    case Type.intervalDaySecond:
    case Type.intervalYearMonth:
      return decodeInterval(bytes);
    default:
      throw new MalformedPacket(`a bind of type ${type}`);
  }
}
