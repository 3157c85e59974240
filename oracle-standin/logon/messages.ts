/** The messages of a logon, from protocol negotiation to the session's parameters. */
import type { Reader } from '../wire/reader.ts';
import { MalformedPacket } from '../wire/reader.ts';
import { Message } from '../wire/ttc.ts';
import type { Writer } from '../wire/writer.ts';
import type { Challenge } from './verifiers.ts';

const UTF8 = 873;
const UTF16 = 2000;
/** The database's time zone: UTC. */
const TIME_ZONE = [0x80, 0, 0, 0, 60, 60, 60, 0x80, 0, 0, 0];
const BANNER = 'outlive Oracle stand-in';

export function readProtocol(reader: Reader): void {
  while (reader.u8() !== 0); // versions the client knows
  while (reader.u8() !== 0); // the driver's name
}

export function writeProtocol(writer: Writer, fieldVersion: number): void {
  const compile = Buffer.alloc(53);
  compile[7] = fieldVersion;
  const runtime = Buffer.alloc(11);
  runtime.set([2, 0x01], 0); // knows time zones: else the client asks for the database's with a query
  runtime[6] = 0x04; // strings up to 32767 bytes
  writer.u8(Message.protocol, 6, 0).raw(Buffer.from(`${BANNER}\0`));
  writer.u16le(UTF8).u8(1).u16le(0);
  writer.u16(11).zeros(9).u16(UTF16);
  writer.sized(compile).sized(runtime);
}

/** Whether the client negotiates a time zone: drivers before 26 do not, and would take its bytes for types. */
export function readDataTypes(reader: Reader): boolean {
  reader.skip(5);
  const compile = reader.sized();
  const runtime = reader.sized();
  if (!compile || !runtime) throw new MalformedPacket('no capabilities');
  const knowsZones = ((runtime[1] ?? 0) & 1) !== 0;
  if (knowsZones) reader.skip(TIME_ZONE.length);
  while (reader.u16() !== 0) {
    if (reader.u16() !== 0) reader.skip(4);
  }
  return knowsZones;
}

export function writeDataTypes(writer: Writer, knowsZones: boolean): void {
  writer.u8(Message.dataTypes, ...(knowsZones ? TIME_ZONE : [])).u16(0);
}

export interface AuthRequest {
  user: string;
  mode: number;
  values: Map<string, string>;
}

/** Body of both phases. */
export function readAuth(reader: Reader): AuthRequest {
  const hasUser = reader.u8() !== 0;
  reader.ub4();
  const mode = reader.ub4();
  reader.skip(1);
  const pairs = reader.ub4();
  reader.skip(2);
  const user = hasUser ? (reader.sized()?.toString() ?? '') : '';
  return { user, mode, values: reader.keyValues(pairs) };
}

function writePairs(writer: Writer, pairs: readonly [string, string, number?][]): void {
  writer.u8(Message.parameter).ub(pairs.length);
  for (const [key, value, flag] of pairs) writer.keyValue(key, value, flag);
}

export function writeChallenge(writer: Writer, challenge: Challenge): void {
  writePairs(writer, challenge.pairs);
}

export interface SessionParameters {
  proof: string;
  service: string;
  sid: number;
  serial: number;
  openCursors: number;
  fieldVersion: number;
}

export function writeSession(writer: Writer, { proof, service, ...session }: SessionParameters): void {
  writePairs(writer, [
    ['AUTH_SVR_RESPONSE', proof],
    ['AUTH_VERSION_STRING', '- Production'],
    ['AUTH_VERSION_NO', String(versionNumber(session.fieldVersion))],
    ['AUTH_SC_DBUNIQUE_NAME', service.toLowerCase()],
    ['AUTH_SC_SERVICE_NAME', service],
    ['AUTH_INSTANCENAME', 'standin'],
    ['AUTH_DBNAME', service.toUpperCase()],
    ['AUTH_SC_DB_DOMAIN', ''],
    ['AUTH_MAX_OPEN_CURSORS', String(session.openCursors)],
    ['AUTH_MAX_IDEN_LENGTH', '128'],
    ['AUTH_SESSION_ID', String(session.sid)],
    ['AUTH_SERIAL_NUM', String(session.serial)],
  ]);
}

/** 19.21.0.0.0 or 23.4.0.0.0, in the widths that a field version has. */
function versionNumber(fieldVersion: number): number {
  return fieldVersion >= 24 ? 23 * 2 ** 24 + (4 << 16) : 19 * 2 ** 24 + (21 << 16);
}
