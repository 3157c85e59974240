/** The CONNECT packet: what a client asks the listener for. */
import { MalformedPacket } from './reader.ts';

export interface ConnectRequest {
  version: number;
  /** Largest packet the client wants, bytes. */
  sdu: number;
  /** Of the connect data; longer ones than fit follow in a DATA packet. */
  dataLength: number;
  /** Connect data if it is in this packet. */
  data: string | null;
}

const DATA_OFFSET_AT = 26;
const WITHOUT_DATA = 74;

export function parseConnect(packet: Buffer): ConnectRequest {
  if (packet.length < WITHOUT_DATA) throw new MalformedPacket(`a CONNECT of ${packet.length} bytes`);
  const dataLength = packet.readUInt16BE(24);
  const offset = packet.readUInt16BE(DATA_OFFSET_AT);
  const follows = packet.length === WITHOUT_DATA && dataLength > 0;
  if (!follows && offset + dataLength > packet.length) throw new MalformedPacket('connect data beyond their packet');
  return {
    version: packet.readUInt16BE(8),
    sdu: packet.readUInt32BE(58) || packet.readUInt16BE(14),
    dataLength,
    data: follows ? null : packet.toString('ascii', offset, offset + dataLength),
  };
}

/** What connect data say, as far as a listener cares. */
export interface ConnectData {
  service: string | null;
  sid: string | null;
  /** `DEDICATED` or `POOLED`. */
  server: string | null;
  /** Made by the client: also in its error messages, so both sides can name the session. */
  connectionId: string | null;
  program: string | null;
}

export function parseConnectData(text: string): ConnectData {
  const value = (name: string) => new RegExp(`\\(\\s*${name}\\s*=\\s*([^()]*)\\)`, 'i').exec(text)?.[1]?.trim() ?? null;
  return {
    service: value('SERVICE_NAME'),
    sid: value('SID'),
    server: value('SERVER')?.toUpperCase() ?? null,
    connectionId: value('CONNECTION_ID'),
    program: value('PROGRAM'),
  };
}
