/** PostgreSQL's result columns as Oracle's, and their values as Oracle's bytes. */
import type { Field } from '../backend/call.ts';
import { swapCase } from '../sql/functions.ts';
import { encodeDouble, encodeFloat, encodeNumber } from '../wire/numbers.ts';
import { encodeDate, encodeInterval, encodeTimestamp, encodeTimestampTz } from '../wire/times.ts';
import { Type } from '../wire/ttc.ts';

export interface Column {
  name: string;
  type: number;
  precision: number;
  scale: number;
  /** Bytes; 0 would make the driver read nothing. */
  maxSize: number;
  nullable: boolean;
}

/** What the catalogue knows of a table's column, beyond what a result says. */
export interface CatalogueColumn {
  notNull: boolean;
  /** Name of its type if that is one of the stand-in's: clob, blob, long, long_raw. */
  domain: string | null;
}

/** Object identifiers of PostgreSQL's types. */
export const Oid = {
  bool: 16,
  bytea: 17,
  char: 18,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  unknown: 705,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  numeric: 1700,
} as const;

const LONG_SIZE = 0x7fff_ffff;
const VARCHAR_SIZE = 4000;
const UNSCALED = -127;
/** Fields of an interval, in the upper half of its modifier. */
const YEAR_TO_MONTH = 6;

export function oracleColumn(field: Field, catalogue: CatalogueColumn | undefined): Column {
  const modifier = field.dataTypeModifier;
  const column = (type: number, maxSize: number, precision = 0, scale = 0): Column => ({
    name: swapCase(field.name),
    type,
    precision,
    scale,
    maxSize,
    nullable: !catalogue?.notNull,
  });
  switch (field.dataTypeID) {
    case Oid.numeric:
      return modifier < 0
        ? column(Type.number, 22, 0, UNSCALED)
        : column(Type.number, 22, (modifier - 4) >> 16, ((modifier - 4) << 21) >> 21);
    case Oid.int2:
    case Oid.int4:
    case Oid.int8:
    case Oid.oid:
    case Oid.bool:
      return column(Type.number, 22, 0, UNSCALED);
    case Oid.float4:
      return column(Type.binaryFloat, 4);
    case Oid.float8:
      return column(Type.binaryDouble, 8);
    case Oid.date:
      return column(Type.date, 7);
    case Oid.timestamp:
      return modifier === 0 ? column(Type.date, 7) : column(Type.timestamp, 11, 0, modifier < 0 ? 6 : modifier);
    case Oid.timestamptz:
      return column(Type.timestampTz, 13, 0, modifier < 0 ? 6 : modifier);
    case Oid.interval:
      return modifier >> 16 === YEAR_TO_MONTH
        ? column(Type.intervalYearMonth, 5, 2)
        : column(Type.intervalDaySecond, 11, 2, 6);
    case Oid.bytea:
      if (catalogue?.domain === 'blob') return column(Type.blob, VARCHAR_SIZE);
      return catalogue?.domain === 'long_raw' ? column(Type.longRaw, LONG_SIZE) : column(Type.raw, 2000);
    case Oid.bpchar:
      return modifier < 0 ? column(Type.varchar, VARCHAR_SIZE) : column(Type.char, modifier - 4);
    case Oid.varchar:
      return column(Type.varchar, modifier < 0 ? VARCHAR_SIZE : modifier - 4);
    case Oid.json:
      return column(Type.long, LONG_SIZE);
    default:
      // text of a table's own column: made by the stand-in it says what it is, else it is unlimited as a CLOB is
      if (catalogue?.domain === 'long') return column(Type.long, LONG_SIZE);
      return field.dataTypeID === Oid.text && field.tableID !== 0
        ? column(Type.clob, VARCHAR_SIZE)
        : column(Type.varchar, VARCHAR_SIZE);
  }
}

export function isCharacter(type: number): boolean {
  return type === Type.varchar || type === Type.char || type === Type.long || type === Type.clob;
}

/** PostgreSQL's text as the bytes of `type`; LOBs are the caller's. Throws `RangeError` for what Oracle cannot hold. */
export function encodeValue(text: string | null, type: number): Buffer | null {
  if (text === null || text === '') return null;
  switch (type) {
    case Type.number:
    case Type.binaryInteger:
      return encodeNumber(text === 't' ? '1' : text === 'f' ? '0' : text);
    case Type.binaryDouble:
      return encodeDouble(text);
    case Type.binaryFloat:
      return encodeFloat(text);
    case Type.date:
      return encodeDate(text);
    case Type.timestamp:
      return encodeTimestamp(text);
    case Type.timestampTz:
    case Type.timestampLtz:
      return encodeTimestampTz(text);
    case Type.intervalDaySecond:
    case Type.intervalYearMonth:
      return encodeInterval(text, type === Type.intervalYearMonth);
    case Type.raw:
    case Type.longRaw:
    case Type.blob:
      return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text);
    default:
      return Buffer.from(text);
  }
}
