/**
 * As much of a WebSocket client as an inspector on the loopback needs: text in both directions. Node.js has one of its
 * own only from 22 on.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class WebSocketClient {
  readonly #socket: Socket;
  #received: Buffer;
  #parts: Buffer[] = [];
  #closed: () => void = () => {};
  /** Settles when the connection is over, by whomever. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#closed = resolve;
  });
  onText: (text: string) => void = () => {};

  private constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#received = head;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#take(frame);
    });
    socket.on('error', () => {}).on('close', () => this.#closed());
  }

  /** Rejects when nobody listens there, or when it is no WebSocket. */
  static connect(url: string): Promise<WebSocketClient> {
    const { hostname, port, pathname } = new URL(url);
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    };
    return new Promise((resolve, reject) => {
      const asked = request({ hostname, port, path: pathname, headers });
      asked.on('upgrade', (_, socket, head) => resolve(new WebSocketClient(socket as Socket, head)));
      asked.on('response', ({ statusCode }) => reject(new Error(`${url} answered ${statusCode}.`)));
      asked.on('error', reject);
      asked.end();
    });
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(): void {
    this.#write(CLOSE, Buffer.alloc(0));
    this.#socket.end();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#socket.destroyed) return;
    const { length } = payload;
    const size = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    size[0] = 0x80 | opcode;
    size[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
    if (size.length === 4) size.writeUInt16BE(length, 2);
    if (size.length === 10) size.writeBigUInt64BE(BigInt(length), 2);
    const mask = randomBytes(4);
    const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] as number)));
    this.#socket.write(Buffer.concat([size, mask, masked]));
  }

  /** The next whole frame; null: it has not come yet. A server does not mask. */
  #next(): { opcode: number; isFinal: boolean; payload: Buffer } | null {
    const data = this.#received;
    const short = (data[1] ?? 0) & 0x7f;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (data.length < start) return null;
    const length = short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short;
    if (data.length < start + length) return null;
    this.#received = data.subarray(start + length);
    const first = data[0] as number;
    return { opcode: first & 0xf, isFinal: (first & 0x80) !== 0, payload: data.subarray(start, start + length) };
  }

  #take({ opcode, isFinal, payload }: { opcode: number; isFinal: boolean; payload: Buffer }): void {
    if (opcode === CLOSE) this.#socket.end();
    else if (opcode === PING) this.#write(PONG, payload);
    else if (opcode < CLOSE) {
      this.#parts.push(payload);
      if (!isFinal) return;
      const text = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.onText(text);
    }
  }
}
