/** NUMBER, BINARY_DOUBLE and BINARY_FLOAT between their bytes and decimal text. */
import { MalformedPacket } from './reader.ts';

const MAX_DIGIT_PAIRS = 20;

/** `text` is a plain or exponential decimal, as PostgreSQL prints and reads it. */
export function encodeNumber(text: string): Buffer {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) throw new RangeError(`${text} is no NUMBER`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  let digits = whole + fraction;
  let point = whole.length + Number(exponent);
  const leading = /^0*/.exec(digits)?.[0].length ?? 0;
  digits = digits.slice(leading);
  point -= leading;
  if (digits === '') return Buffer.from([0x80]);
  if (point % 2 !== 0) {
    digits = `0${digits}`;
    point += 1;
  }
  if (digits.length % 2 !== 0) digits += '0';
  digits = digits.slice(0, MAX_DIGIT_PAIRS * 2).replace(/(00)+$/, '');
  const pairs = digits.length / 2;
  const negative = sign === '-';
  const first = 193 + point / 2 - 1;
  const bytes = Buffer.alloc(1 + pairs + (negative && pairs < MAX_DIGIT_PAIRS ? 1 : 0));
  bytes[0] = negative ? ~first & 0xff : first;
  for (let i = 0; i < pairs; i++) {
    const pair = (digits.charCodeAt(2 * i) - 48) * 10 + digits.charCodeAt(2 * i + 1) - 48;
    bytes[i + 1] = negative ? 101 - pair : pair + 1;
  }
  if (negative && pairs < MAX_DIGIT_PAIRS) bytes[pairs + 1] = 102;
  return bytes;
}

export function decodeNumber(bytes: Buffer): string {
  const positive = ((bytes[0] as number) & 0x80) !== 0;
  if (bytes.length === 1) return positive ? '0' : '-1e126';
  const exponent = (positive ? (bytes[0] as number) : ~(bytes[0] as number) & 0xff) - 193;
  const end = !positive && bytes[bytes.length - 1] === 102 ? bytes.length - 1 : bytes.length;
  let digits = '';
  for (let i = 1; i < end; i++) {
    const pair = positive ? (bytes[i] as number) - 1 : 101 - (bytes[i] as number);
    if (pair < 0 || pair > 99) throw new MalformedPacket('a NUMBER with a digit beyond 99');
    digits += String(pair).padStart(2, '0');
  }
  const point = (exponent + 1) * 2;
  const sign = positive ? '' : '-';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`.replace(/0+$/, '');
  if (point >= digits.length)
    return `${sign}${digits}${'0'.repeat(point - digits.length)}`.replace(/^(-?)0+(?=\d)/, '$1');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`.replace(/^(-?)0+(?=\d)/, '$1').replace(/\.?0+$/, '');
}

/** Bytes sort as the numbers do: the sign bit is turned over, negatives are complemented. */
function ordered(bytes: Buffer): Buffer {
  if ((bytes[0] as number) & 0x80) for (let i = 0; i < bytes.length; i++) bytes[i] = ~(bytes[i] as number) & 0xff;
  else bytes[0] = (bytes[0] as number) | 0x80;
  return bytes;
}

function unordered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if ((copy[0] as number) & 0x80) copy[0] = (copy[0] as number) & 0x7f;
  else for (let i = 0; i < copy.length; i++) copy[i] = ~(copy[i] as number) & 0xff;
  return copy;
}

export function encodeDouble(text: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(text));
  return ordered(bytes);
}

export function encodeFloat(text: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(Number(text));
  return ordered(bytes);
}

export function decodeDouble(bytes: Buffer): string {
  if (bytes.length !== 8) throw new MalformedPacket(`a BINARY_DOUBLE of ${bytes.length} bytes`);
  return String(unordered(bytes).readDoubleBE());
}

export function decodeFloat(bytes: Buffer): string {
  if (bytes.length !== 4) throw new MalformedPacket(`a BINARY_FLOAT of ${bytes.length} bytes`);
  return String(Math.fround(unordered(bytes).readFloatBE()));
}
