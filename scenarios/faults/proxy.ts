/** A TCP proxy in front of a database: adds latency, narrows bandwidth, breaks connections. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../oracle-standin/reset.ts';

export interface Line {
  /** Added to each direction, milliseconds. */
  latencyMs: number;
  /** Of each connection in each direction; null: as it is. */
  bytesPerSecond: number | null;
}

const CLEAR: Line = { latencyMs: 0, bytesPerSecond: null };

/** A sender is halted when this much of what it sent is still under way. */
const HIGH_WATER = 256 * 1024;

export class LineProxy {
  /** Of the database, by way of the proxy. */
  readonly url: string;
  line: Line = CLEAR;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** To the database at `url`, on a free port of 127.0.0.1. */
  static async start(url: string): Promise<LineProxy> {
    const target = new URL(url);
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (inner) => {
      const outer = dial({ port: Number(target.port), host: target.hostname, allowHalfOpen: true });
      for (const [socket, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          // one that ended as it should may still have something on its way
          if (!socket.readableEnded) other.destroy();
        });
        carry(socket, other, () => proxy.line);
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    const own = new URL(url);
    own.hostname = '127.0.0.1';
    own.port = String((server.address() as { port: number }).port);
    const proxy = new LineProxy(own.href, server, sockets);
    return proxy;
  }

  clear(): void {
    this.line = CLEAR;
  }

  /** Resets every connection at once, as a firewall does. How many there were. */
  breakAll(): number {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) resetSocket(socket);
    return Math.ceil(count);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.breakAll();
    await closed;
  }
}

/** In order, each piece when it is due. */
function carry(from: Socket, to: Socket, line: () => Line): void {
  /** Null: the end of what there is to send. */
  const queue: { piece: Buffer | null; due: number }[] = [];
  let underWay = 0;
  let lineFreeAt = 0;
  let timer: NodeJS.Timeout | null = null;

  const enqueue = (piece: Buffer | null) => {
    const { latencyMs, bytesPerSecond } = line();
    const length = piece?.length ?? 0;
    const sending = bytesPerSecond === null ? 0 : (length / bytesPerSecond) * 1000;
    lineFreeAt = Math.max(performance.now(), lineFreeAt) + sending;
    underWay += length;
    if (underWay > HIGH_WATER) from.pause();
    // what was sent before a fault ended still arrives before what is sent after
    queue.push({ piece, due: Math.max(queue.at(-1)?.due ?? 0, lineFreeAt + latencyMs) });
    timer ??= next();
  };
  const next = (): NodeJS.Timeout | null => {
    for (let first = queue[0]; first; first = queue[0]) {
      const wait = first.due - performance.now();
      if (wait > 0) return setTimeout(() => (timer = next()), Math.ceil(wait));
      queue.shift();
      if (first.piece === null) to.end();
      else if (!to.destroyed) to.write(first.piece);
      underWay -= first.piece?.length ?? 0;
    }
    if (underWay <= HIGH_WATER && from.isPaused()) from.resume();
    return null;
  };
  from.on('data', enqueue);
  from.on('end', () => enqueue(null));
}
