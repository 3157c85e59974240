/** The runner's end of the probe's side door. Every probed process and thread of a program comes to it. */

import { createServer, type Server, type Socket } from 'node:net';
import { type ControlOrder, type ControlRequest, controlAddress, type RoundResult } from '../probe/control/control.ts';

/** Waiting longer for an answer means that the program is gone or hangs. */
const ANSWER_LIMIT_MS = 30_000;

type Answer = RoundResult & { id: number };
/** What waits for an answer of one of them; null: it is gone. */
type Waiting = Map<number, (answer: Answer | null) => void>;

let doors = 0;

export class Control {
  readonly #server: Server;
  /** For OUTLIVE_CONTROL. */
  readonly name: string = `outlive-${process.pid}-${++doors}`;
  /** Resolves when the first one came. */
  readonly connected: Promise<unknown>;
  readonly #sockets: Map<Socket, Waiting> = new Map();
  #lastId = 0;

  constructor() {
    this.#server = createServer();
    this.#server.on('connection', (socket) => this.#listen(socket));
    this.connected = new Promise((resolve) => this.#server.once('connection', resolve));
    this.#server.listen(controlAddress(this.name));
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
  }

  async #tellAll(order: ControlOrder): Promise<Answer[]> {
    const answers = await Promise.all(
      [...this.#sockets].map(([socket, waiting]) => this.#tell(socket, waiting, order)),
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

  #listen(socket: Socket): void {
    const waiting: Waiting = new Map();
    this.#sockets.set(socket, waiting);
    let buffer = '';
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const resolve of waiting.values()) resolve(null);
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      buffer += text;
      const lines = buffer.split('\n');
      buffer = lines.pop() ?? '';
      for (const line of lines) {
        const answer = JSON.parse(line) as Answer;
        waiting.get(answer.id)?.(answer);
        waiting.delete(answer.id);
      }
    });
  }
}

function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error('the probe gave no answer')), limitMs);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(limit));
}
