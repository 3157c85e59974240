/** Where a run of many equal steps is: one line that is rewritten on a terminal, a line a program elsewhere. */
import type { WriteStream } from 'node:tty';

export class Progress {
  readonly #stream: WriteStream;
  readonly #steps: number;
  readonly #began = performance.now();
  #done = 0;
  #name = '';

  constructor(stream: WriteStream, steps: number) {
    this.#stream = stream;
    this.#steps = steps;
  }

  step(name: string): void {
    this.#done++;
    const seconds = ((performance.now() - this.#began) / 1000 / this.#done) * (this.#steps - this.#done);
    const line = `${this.#done} of ${this.#steps}, ${Math.ceil(seconds)} s left, ${name}`;
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${line}`);
    else if (name !== this.#name) this.#stream.write(`${line}\n`);
    this.#name = name;
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\n');
  }
}
