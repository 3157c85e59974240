/**
 * Requests of node:http that whoever made them neither ends nor destroys, each with its socket: a body that was piped into
 * one and broke off, an `end()` that is missing. And sockets that leave HTTP and their agent by an upgrade or CONNECT: they
 * are of the code that asked for it.
 *
 * False negatives: as of responses (responses.ts); for a minute, those of a handler whose own client has left (over.ts).
 */
import type http from 'node:http';
import type net from 'node:net';
import type { AdapterName } from '../../adapters.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import { Entered, type Here } from './entered.ts';

const PART = 'responses' satisfies AdapterName;
/** Requests are looked at after so many new ones, or when the ledger is read. */
const NURSERY = 64;
/** For which nothing more is sent until it is idle, milliseconds. */
const FED_MS = 1500;

/** Node's own fields among them. */
type Request = http.ClientRequest & { upgradeOrConnect?: boolean; agent?: object | null; res?: object | null };

interface Young {
  readonly request: WeakRef<Request>;
  /** Itself, where it asks for its socket: nothing keeps it once it has that. */
  readonly kept: Request | null;
  readonly here: Here;
}

export class Requests {
  readonly #unfinished: Entered<Request>;
  readonly #upgraded: Entered<net.Socket>;
  /** Bytes that were sent, and since when there are so many. */
  readonly #fed: WeakMap<Request, { bytes: number; at: number }> = new WeakMap();
  #young: Young[] = [];

  constructor(desk: Desk) {
    this.#unfinished = new Entered(desk, {
      ...{ adapter: PART, nature: 'request', library: 'node:http' },
      hasEnded: ({ writableEnded, destroyed }) => writableEnded || destroyed,
      pulse: ({ socket }) => socket?.bytesWritten ?? 0,
      isBusy: (request) => this.#isFed(request),
    });
    this.#upgraded = new Entered(desk, {
      ...{ adapter: PART, nature: 'socket', library: 'net' },
      hasEnded: ({ destroyed }) => destroyed,
      pulse: ({ bytesRead, bytesWritten = 0 }) => bytesRead + bytesWritten,
    });
    desk.ledger.beforeReading.push(() => this.#look());
  }

  /** What is piped into it may have broken off: only what arrives tells. */
  #isFed(request: Request): boolean {
    const [bytes, at] = [request.socket?.bytesWritten ?? 0, now()];
    const before = this.#fed.get(request);
    if (before?.bytes !== bytes) this.#fed.set(request, { bytes, at });
    return before?.bytes !== bytes || at - before.at < FED_MS;
  }

  made(request: Request, here: Here): void {
    const kept = request.hasHeader('upgrade') || request.method === 'CONNECT' ? request : null;
    this.#young.push({ request: new WeakRef(request), kept, here });
    if (this.#young.length >= NURSERY) this.#look();
  }

  #look(): void {
    this.#young = this.#young.filter(({ request: ref, kept, here }) => {
      const request = ref.deref();
      if (request === undefined) return false;
      const { socket } = request;
      if (request.upgradeOrConnect && socket !== null && !socket.destroyed) {
        // one without an agent was told when it connected
        if (request.agent) this.#upgraded.enterAt(here, socket);
        return false;
      }
      if (request.destroyed || (request.res ?? null) !== null) return false;
      if (!request.writableEnded) this.#unfinished.enterAt(here, request);
      return kept !== null && request.writableEnded;
    });
  }
}
