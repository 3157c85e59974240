/** A client's socket: bytes in, packets and whole requests out. */
import type { Socket } from 'node:net';
import { resetSocket } from './reset.ts';
import { DATA_AT, DataFlag, dataPackets, Framer, type Packet, PacketType } from './wire/packets.ts';
import { MalformedPacket } from './wire/reader.ts';

/** Of any packet before ACCEPT, bytes. */
const FIRST_PACKET_LIMIT = 8192;
/** Of a request while nobody has logged on, bytes. */
const STRANGER_LIMIT = 64 * 1024;
/** Of a request of a session, bytes. */
const REQUEST_LIMIT = 64 * 2 ** 20;
/** Whole requests that may wait: the driver sends a LOGOFF behind a call that runs, and nothing else. */
const WAITING_LIMIT = 4;

export interface TransportEvents {
  /** CONNECT, and whatever else is neither DATA nor MARKER. */
  packet(packet: Packet): void;
  request(payload: Buffer): void;
  marker(kind: number): void;
  /** The client has ended the session in an orderly way. */
  endOfFile(): void;
  malformed(error: MalformedPacket): void;
  closed(): void;
}

export class Transport {
  readonly socket: Socket;
  readonly #framer = new Framer(FIRST_PACKET_LIMIT);
  readonly #events: TransportEvents;
  #parts: Buffer[] = [];
  #size = 0;
  #sdu = FIRST_PACKET_LIMIT;
  #requestLimit = STRANGER_LIMIT;
  #ended = false;
  waiting = 0;

  constructor(socket: Socket, events: TransportEvents) {
    this.socket = socket;
    this.#events = events;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => events.closed());
    socket.on('end', () => socket.end());
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#framer.push(chunk);
      for (let packet = this.#framer.next(); packet; packet = this.#framer.next()) {
        this.#take(packet);
        if (this.#ended) return;
      }
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      this.#events.malformed(error);
    }
  }

  #take(packet: Packet): void {
    const { type, bytes } = packet;
    if (type === PacketType.marker) {
      if (bytes.length !== 11) throw new MalformedPacket(`a MARKER of ${bytes.length} bytes`);
      this.#events.marker(bytes[10] as number);
      return;
    }
    if (type !== PacketType.data) {
      this.#events.packet(packet);
      return;
    }
    if (bytes.length < DATA_AT) throw new MalformedPacket('DATA without its flags');
    const flags = bytes.readUInt16BE(8);
    if (flags & DataFlag.endOfFile) {
      this.#events.endOfFile();
      return;
    }
    if (!this.#framer.longLength) {
      this.#events.packet(packet); // connect data that were too long for their packet
      return;
    }
    this.#parts.push(bytes.subarray(DATA_AT));
    this.#size += bytes.length;
    if (this.#size > this.#requestLimit)
      throw new MalformedPacket(`a request of more than ${this.#requestLimit} bytes`);
    if (!(flags & DataFlag.endOfRequest)) return;
    const payload = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    if (this.waiting >= WAITING_LIMIT) throw new MalformedPacket('requests that do not wait for answers');
    this.waiting++;
    this.#events.request(payload);
  }

  /** After ACCEPT. `sdu`: largest packet in both directions, bytes. */
  accepted(sdu: number): void {
    this.#sdu = sdu;
    this.#framer.limit = sdu;
    this.#framer.longLength = true;
  }

  /** After the logon. */
  trusted(): void {
    this.#requestLimit = REQUEST_LIMIT;
  }

  /** Forgets the beginning of a request: the client has broken off. */
  dropRequest(): void {
    this.#parts = [];
    this.#size = 0;
  }

  send(packet: Buffer): void {
    if (!this.#ended) this.socket.write(packet);
  }

  answer(payload: Buffer, endOfResponse: boolean): void {
    this.send(dataPackets(payload, this.#sdu, endOfResponse));
  }

  /** Says nothing any more, hears nothing, and stays open until the client closes it. */
  hang(): void {
    this.#ended = true;
  }

  /** Nothing will be answered any more. */
  get silent(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.socket.end();
    // a client that keeps its half open must not keep ours
    this.socket.setTimeout(2_000, () => this.socket.destroy());
  }

  reset(): void {
    this.#ended = true;
    resetSocket(this.socket);
  }

  destroy(): void {
    this.#ended = true;
    this.socket.destroy();
  }
}
