/**
 * The runner's end of the probe's side door. Every probed process and thread of a program comes to it, and says the
 * secret that the program was started with. Whoever does not say it at once is sent away, and counts for nothing.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type Answer,
  answerOf,
  type ControlOrder,
  type ControlRequest,
  doorText,
  LONGEST_LINE,
  linesOf,
  type RoundResult,
} from '../probe/control/protocol.ts';
import { UserError } from '../user-error.ts';
import { type DoorPlace, makeDoorPlace } from './door-folder.ts';

/** Waiting longer for an answer means that the program is gone or hangs. */
const ANSWER_LIMIT_MS = 30_000;
/** The probe's first line is there when it comes. */
const SECRET_LIMIT_MS = 10_000;
const SECRET_BYTES = 32;

/** What waits for an answer of one of them; null: it is gone. */
type Waiting = Map<number, (answer: Answer | null) => void>;

export class Control {
  readonly #server: Server;
  readonly #place: DoorPlace;
  readonly #secret: string = randomBytes(SECRET_BYTES).toString('hex');
  /** Resolves when the first one came. */
  readonly connected: Promise<unknown>;
  #hasCome: () => void = () => {};
  /** All that are connected; null: the secret is yet to come. */
  readonly #sockets: Map<Socket, Waiting | null> = new Map();
  #lastId = 0;

  private constructor(server: Server, place: DoorPlace) {
    this.#server = server;
    this.#place = place;
    this.connected = new Promise<void>((resolve) => {
      this.#hasCome = resolve;
    });
    server.on('connection', (socket) => this.#receive(socket));
    // too many open files, for a moment: who comes then comes to nothing
    server.on('error', () => {});
  }

  /** Throws `UserError` when there is nowhere to listen. */
  static async open(): Promise<Control> {
    const place = makeDoorPlace();
    const server = createServer();
    try {
      server.listen(place.address);
      await once(server, 'listening');
    } catch (error) {
      remove(place);
      const { code } = error as NodeJS.ErrnoException;
      throw new UserError(`The soak cannot listen for the probe on ${place.address} (${code}).`, { cause: error });
    }
    return new Control(server, place);
  }

  /** For OUTLIVE_CONTROL. */
  get door(): string {
    return doorText({ address: this.#place.address, secret: this.#secret });
  }

  /** To be removed by somebody else should this process be killed. */
  get folder(): string | null {
    return this.#place.folder;
  }

  /**
   * Resolves when all have settled and been judged, with their sums; those that end meanwhile count for nothing.
   * Rejects when one does not answer in time, or nobody ever came.
   */
  async roundEnded(round: number, limitMs: number = ANSWER_LIMIT_MS): Promise<RoundResult> {
    const answers = await this.tell({ do: 'round-ended', round }, limitMs);
    return {
      open: answers.reduce((total, { open }) => total + open, 0),
      findings: answers.reduce((total, { findings }) => total + findings, 0),
    };
  }

  /** The answers of all that are there to be told; rejects as `roundEnded` does. */
  async tell(order: ControlOrder, limitMs: number = ANSWER_LIMIT_MS): Promise<RoundResult[]> {
    return within(
      limitMs,
      this.connected.then(() => this.#tellAll(order)),
    );
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
    remove(this.#place);
  }

  async #tellAll(order: ControlOrder): Promise<Answer[]> {
    const answers = await Promise.all(
      [...this.#sockets].map(([socket, waiting]) => waiting && this.#tell(socket, waiting, order)),
    );
    return answers.filter((answer) => answer !== null);
  }

  #tell(socket: Socket, waiting: Waiting, order: ControlOrder): Promise<Answer | null> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      socket.write(`${JSON.stringify({ id, ...order } satisfies ControlRequest)}\n`);
    });
  }

  #receive(socket: Socket): void {
    this.#sockets.set(socket, null);
    let rest = '';
    const late = setTimeout(() => socket.destroy(), SECRET_LIMIT_MS).unref();
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(late);
      for (const resolve of this.#sockets.get(socket)?.values() ?? []) resolve(null);
      this.#sockets.delete(socket);
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      const isKnown = this.#sockets.get(socket) !== null;
      const split = linesOf(rest, text, isKnown ? LONGEST_LINE : this.#secret.length);
      const lines = split?.lines ?? [];
      const [first] = lines;
      if (split === null || (!isKnown && first !== undefined && !this.#admit(socket, first))) {
        socket.destroy();
        return;
      }
      if (first !== undefined) clearTimeout(late);
      rest = split.rest;
      for (const line of lines) this.#take(socket, answerOf(line));
    });
  }

  /** Whether it said the secret. */
  #admit(socket: Socket, line: string): boolean {
    const [said, secret] = [Buffer.from(line), Buffer.from(this.#secret)];
    if (said.length !== secret.length || !timingSafeEqual(said, secret)) return false;
    this.#sockets.set(socket, new Map());
    this.#hasCome();
    return true;
  }

  #take(socket: Socket, answer: Answer | null): void {
    const waiting = this.#sockets.get(socket);
    if (!answer || !waiting) return;
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  }
}

function remove({ folder }: DoorPlace): void {
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
}

function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error('the probe gave no answer')), limitMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(limit));
}
