/** The runner's end of the probe's side door. Every probed process and thread of a program comes to it. */

import { createServer, type Server, type Socket } from 'node:net';
import { type ControlRequest, controlAddress, type RoundResult } from '../probe/control.ts';

/** Waiting longer for an answer means that the program is gone or hangs. */
const ANSWER_LIMIT_MS = 30_000;

type Answer = RoundResult & { id: number };
type Ask = Omit<ControlRequest, 'id'>;

let doors = 0;

export class Control {
  readonly #server: Server;
  /** For OUTLIVE_CONTROL. */
  readonly name: string = `outlive-${process.pid}-${++doors}`;
  /** Resolves when the first one came. */
  readonly connected: Promise<unknown>;
  readonly #sockets: Map<Socket, Map<number, (answer: Answer | null) => void>> = new Map();
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
    return within(
      limitMs,
      this.connected.then(async () => {
        const answers = await this.#askAll({ do: 'round-ended', round });
        return {
          open: answers.reduce((total, { open }) => total + open, 0),
          findings: answers.reduce((total, { findings }) => total + findings, 0),
        };
      }),
    );
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  async #askAll(ask: Ask): Promise<Answer[]> {
    const answers = await Promise.all([...this.#sockets].map(([socket, waiting]) => this.#ask(socket, waiting, ask)));
    return answers.filter((answer) => answer !== null);
  }

  #ask(socket: Socket, waiting: Map<number, (answer: Answer | null) => void>, ask: Ask): Promise<Answer | null> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      socket.write(`${JSON.stringify({ id, ...ask } satisfies ControlRequest)}\n`);
    });
  }

  #listen(socket: Socket): void {
    const waiting = new Map<number, (answer: Answer | null) => void>();
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
