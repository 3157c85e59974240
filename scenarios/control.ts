/** The runner's end of the probe's side door. */

import { createServer, type Server, type Socket } from 'node:net';
import { type ControlRequest, controlAddress, type RoundResult } from '../probe/control.ts';

/** Waiting longer for an answer means that the program is gone or hangs. */
const ANSWER_LIMIT_MS = 30_000;

export class Control {
  readonly #server: Server;
  /** For OUTLIVE_CONTROL. */
  readonly name: string;
  readonly #connected: Promise<Socket>;
  readonly #waiting = new Map<number, (result: RoundResult) => void>();
  #lastId = 0;

  constructor(name: string) {
    this.name = name;
    this.#server = createServer();
    this.#connected = new Promise((resolve) => this.#server.once('connection', resolve));
    this.#connected.then((socket) => this.#listen(socket));
    this.#server.listen(controlAddress(name));
  }

  /** Resolves when the program has settled and been judged. */
  async roundEnded(): Promise<RoundResult> {
    const socket = await this.#connected;
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('the probe gave no answer')), ANSWER_LIMIT_MS).unref();
      this.#waiting.set(id, (result) => {
        clearTimeout(limit);
        resolve(result);
      });
      socket.write(`${JSON.stringify({ id, do: 'round-ended' } satisfies ControlRequest)}\n`);
    });
  }

  close(): void {
    this.#server.close();
    this.#connected.then((socket) => socket.destroy());
  }

  #listen(socket: Socket): void {
    let buffer = '';
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (text: string) => {
      buffer += text;
      const lines = buffer.split('\n');
      buffer = lines.pop() ?? '';
      for (const line of lines) {
        const { id, ...result } = JSON.parse(line) as { id: number } & RoundResult;
        this.#waiting.get(id)?.(result);
        this.#waiting.delete(id);
      }
    });
  }
}
