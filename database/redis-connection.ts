/** One connection to Redis, which is asked one thing after the other: no driver is needed for that. */
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';

/** For connecting, and for every answer, milliseconds. */
const LIMIT_MS = 5000;
/** Of an answer; more is not what was asked for. */
const MAX_BYTES = 64 * 1024 * 1024;

export class RedisConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    // the next question fails by it
    socket.on('error', () => {});
  }

  /** Rejects when nobody answers there. */
  static async to({ protocol, hostname, port }: URL): Promise<RedisConnection> {
    const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
    const isSecure = protocol === 'rediss:';
    const socket = isSecure ? tls.connect({ ...at, servername: at.host }) : net.connect(at);
    try {
      await once(socket, isSecure ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(LIMIT_MS) });
    } catch (error) {
      socket.destroy();
      throw error instanceof Error && error.name === 'AbortError' ? new Error('no answer') : error;
    }
    return new RedisConnection(socket);
  }

  /** `address:port` that it speaks to. */
  get server(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  /** The answer as text. Rejects with what the server says against it, or when there is none. */
  async ask(...words: string[]): Promise<string> {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    const limit = AbortSignal.timeout(LIMIT_MS);
    for (;;) {
      const answer = this.#answer();
      if (answer !== null) return answer;
      if (this.#socket.destroyed || this.#received.length > MAX_BYTES) throw new Error('the connection is lost');
      await this.#more(limit);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #more(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const gone = (): void => ended.abort();
    this.#socket.once('close', gone);
    try {
      const [chunk] = (await once(this.#socket, 'data', { signal: AbortSignal.any([signal, ended.signal]) })) as [
        Buffer,
      ];
      this.#received = Buffer.concat([this.#received, chunk]);
    } catch {
      this.#socket.destroy();
      throw new Error(signal.aborted ? 'no answer' : 'the connection is lost');
    } finally {
      this.#socket.off('close', gone);
    }
  }

  /** Null: not all of it is there yet. */
  #answer(): string | null {
    const end = this.#received.indexOf('\r\n');
    if (end < 0) return null;
    const kind = String.fromCharCode(this.#received[0] ?? 0);
    const head = this.#received.toString('utf8', 1, end);
    if (kind !== '$') {
      this.#received = this.#received.subarray(end + 2);
      if (kind === '-') throw new Error(head);
      return head;
    }
    const length = Number(head);
    if (this.#received.length < end + 2 + length + 2) return null;
    const text = this.#received.toString('utf8', end + 2, end + 2 + length);
    this.#received = this.#received.subarray(end + 2 + length + 2);
    return text;
  }
}
