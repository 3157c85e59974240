/** DATE, TIMESTAMP and intervals between their bytes and the text that PostgreSQL prints and reads. */
import { MalformedPacket } from './reader.ts';

const TIME = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d)(?::?(\d\d))?(?::\d\d)?)?$/;

interface Time {
  /** The fields as if they were UTC, milliseconds without the fraction of a second. */
  fields: number;
  nanoseconds: number;
  /** Minutes east of UTC. */
  offset: number;
}

function parse(text: string): Time {
  const match = TIME.exec(text);
  if (!match) throw new RangeError(`${text} is no time that Oracle can hold`);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', sign, offsetHours, offsetMinutes] =
    match;
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * (sign === '-' ? -1 : 1);
  const fields = new Date(0);
  fields.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  fields.setUTCHours(Number(hour), Number(minute), Number(second));
  return { fields: fields.getTime(), nanoseconds: Number(fraction.padEnd(9, '0').slice(0, 9)), offset };
}

function dateBytes(size: number, fields: number): Buffer {
  const date = new Date(fields);
  const year = date.getUTCFullYear();
  const bytes = Buffer.alloc(size);
  bytes.set([Math.trunc(year / 100) + 100, (year % 100) + 100, date.getUTCMonth() + 1, date.getUTCDate()]);
  bytes.set([date.getUTCHours() + 1, date.getUTCMinutes() + 1, date.getUTCSeconds() + 1], 4);
  return bytes;
}

export function encodeDate(text: string): Buffer {
  return dateBytes(7, parse(text).fields);
}

export function encodeTimestamp(text: string): Buffer {
  const { fields, nanoseconds } = parse(text);
  const bytes = dateBytes(11, fields);
  bytes.writeUInt32BE(nanoseconds, 7);
  return bytes;
}

/** The date part is UTC, the offset is for show. */
export function encodeTimestampTz(text: string): Buffer {
  const { fields, nanoseconds, offset } = parse(text);
  const bytes = dateBytes(13, fields - offset * 60_000);
  bytes.writeUInt32BE(nanoseconds, 7);
  bytes.set([Math.trunc(offset / 60) + 20, (offset % 60) + 60], 11);
  return bytes;
}

/**
 * `sessionOffset`: for values that are UTC, minutes east of it to print them in, so that Oracle's conversion to a type
 * without time zone comes out of PostgreSQL's, which keeps the fields and drops the zone. Null: fields as they are.
 */
export function decodeTime(bytes: Buffer, sessionOffset: number | null): string {
  if (bytes.length < 7) throw new MalformedPacket(`a DATE of ${bytes.length} bytes`);
  const [century, yearOf, month, day, hour, minute, second] = bytes as unknown as [
    ...[number, number, number, number, number, number, number],
  ];
  const fields = new Date(0);
  fields.setUTCFullYear((century - 100) * 100 + yearOf - 100, month - 1, day);
  fields.setUTCHours(hour - 1, minute - 1, second - 1);
  const moment = fields.getTime() + (sessionOffset ?? 0) * 60_000;
  if (!Number.isFinite(moment)) throw new MalformedPacket('a DATE beyond the calendar');
  const nanoseconds = bytes.length >= 11 ? bytes.readUInt32BE(7) : 0;
  const text = new Date(moment).toISOString().slice(0, -5).replace('T', ' ');
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').slice(0, 6)}`;
  return text + fraction + (sessionOffset === null ? '' : offsetText(sessionOffset));
}

/** `+05:30` for 330. */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (part: number) => String(Math.trunc(part)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`;
}

const MIDDLE = 0x8000_0000;

export function decodeInterval(bytes: Buffer): string {
  if (bytes.length === 5) return `${bytes.readUInt32BE(0) - MIDDLE} years ${(bytes[4] as number) - 60} months`;
  if (bytes.length !== 11) throw new MalformedPacket(`an INTERVAL of ${bytes.length} bytes`);
  const [hours, minutes, seconds] = [...bytes.subarray(4, 7)].map((byte) => byte - 60);
  const fraction = (bytes.readUInt32BE(7) - MIDDLE) / 1000;
  return `${bytes.readUInt32BE(0) - MIDDLE} days ${hours} hours ${minutes} minutes ${seconds} seconds ${fraction} microseconds`;
}

/** PostgreSQL's output in the style `postgres`: `1 year 2 mons 3 days 04:05:06.7`. */
export function encodeInterval(text: string, yearToMonth: boolean): Buffer {
  const part = (unit: string) => Number(new RegExp(`(-?\\d+) ${unit}s?\\b`).exec(text)?.[1] ?? 0);
  if (yearToMonth) {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(part('year') + MIDDLE, 0);
    bytes[4] = part('mon') + 60;
    return bytes;
  }
  const clock = /(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?/.exec(text);
  const sign = clock?.[1] === '-' ? -1 : 1;
  const bytes = Buffer.alloc(11);
  bytes.writeUInt32BE(part('day') + MIDDLE, 0);
  for (let i = 0; i < 3; i++) bytes[4 + i] = sign * Number(clock?.[2 + i] ?? 0) + 60;
  bytes.writeUInt32BE(sign * Number((clock?.[5] ?? '').padEnd(9, '0')) + MIDDLE, 7);
  return bytes;
}
