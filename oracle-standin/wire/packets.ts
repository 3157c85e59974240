/** Packets of Oracle Net: how they are cut out of a stream of bytes, and how those of a server are made. */
import { MalformedPacket } from './reader.ts';

export const PacketType = {
  connect: 1,
  accept: 2,
  refuse: 4,
  data: 6,
  marker: 12,
  control: 14,
} as const;

export const DataFlag = { endOfFile: 0x40, endOfRequest: 0x800, endOfResponse: 0x2000 } as const;
export const Marker = { break: 1, reset: 2, interrupt: 3 } as const;

export interface Packet {
  type: number;
  /** The whole packet, header included. */
  bytes: Buffer;
}

const HEADER = 8;
/** Header and data flags. */
export const DATA_AT = 10;

/** Cuts a stream of bytes into packets. Holds at most one unfinished packet. */
export class Framer {
  #rest: Buffer = Buffer.alloc(0);
  /** Largest packet in bytes; anything longer is malformed. */
  limit: number;
  /** After ACCEPT the length has 4 bytes, before 2. */
  longLength = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** The next whole packet, or null. One at a time: handling CONNECT changes how the rest is read. */
  next(): Packet | null {
    const bytes = this.#rest;
    if (bytes.length < HEADER) return null;
    const length = this.longLength ? bytes.readUInt32BE(0) : bytes.readUInt16BE(0);
    if (length < HEADER || length > this.limit) throw new MalformedPacket(`a packet of ${length} bytes`);
    if (bytes.length < length) return null;
    this.#rest = bytes.subarray(length);
    return { type: bytes[4] as number, bytes: bytes.subarray(0, length) };
  }
}

function header(packet: Buffer, type: number, longLength: boolean): Buffer {
  if (longLength) packet.writeUInt32BE(packet.length, 0);
  else packet.writeUInt16BE(packet.length, 0);
  packet[4] = type;
  return packet;
}

export interface Acceptance {
  /** Of the protocol: 318, or 319 from release 23. */
  version: number;
  /** Largest packet in bytes. */
  sdu: number;
  fastAuth: boolean;
  endOfRequest: boolean;
}

export function acceptPacket({ version, sdu, fastAuth, endOfRequest }: Acceptance): Buffer {
  const packet = Buffer.alloc(45);
  packet.writeUInt16BE(version, 8);
  packet.writeUInt16BE(1, 10);
  packet.writeUInt16BE(Math.min(sdu, 0xffff), 12);
  packet.writeUInt16BE(0xffff, 14);
  packet.writeUInt16BE(1, 16);
  packet.writeUInt16BE(packet.length, 20);
  packet[22] = 0x08;
  packet[23] = 0x08; // no native encryption to negotiate
  packet.writeUInt32BE(sdu, 32);
  packet.writeUInt32BE(0x20_0000, 36);
  packet.writeUInt32BE((fastAuth ? 0x1000_0000 : 0) + (endOfRequest ? 0x0200_0000 : 0), 41);
  return header(packet, PacketType.accept, false);
}

export function refusePacket(code: number): Buffer {
  const stack = `(ERROR_STACK=(ERROR=(CODE=${code})(EMFI=4)))`;
  const text = Buffer.from(`(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=${code})${stack})`);
  const packet = Buffer.alloc(12 + text.length);
  packet[8] = 0x22;
  packet.writeUInt16BE(text.length, 10);
  text.copy(packet, 12);
  return header(packet, PacketType.refuse, false);
}

export function markerPacket(kind: number): Buffer {
  const packet = Buffer.alloc(11);
  packet[8] = 1;
  packet[10] = kind;
  return header(packet, PacketType.marker, true);
}

/** Ends the session in band: the driver throws it from whatever call reads it. */
export function controlPacket(error: number): Buffer {
  const packet = Buffer.alloc(22);
  packet.writeUInt16BE(8, 8);
  packet.writeUInt32BE(22, 10);
  packet.writeUInt32BE(error, 14);
  return header(packet, PacketType.control, true);
}

/** A whole answer as DATA packets, in one buffer. */
export function dataPackets(payload: Buffer, sdu: number, endOfResponse: boolean): Buffer {
  const room = sdu - DATA_AT;
  const packets: Buffer[] = [];
  for (let at = 0; at < payload.length || at === 0; at += room) {
    const part = payload.subarray(at, at + room);
    const packet = Buffer.allocUnsafe(DATA_AT + part.length);
    packet.fill(0, 0, DATA_AT);
    if (endOfResponse && at + room >= payload.length) packet.writeUInt16BE(DataFlag.endOfResponse, HEADER);
    part.copy(packet, DATA_AT);
    packets.push(header(packet, PacketType.data, true));
  }
  return packets.length === 1 ? (packets[0] as Buffer) : Buffer.concat(packets);
}
