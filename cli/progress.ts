/** Where a long job is: one line that is rewritten on a terminal, a line a stage elsewhere. */
import type { WriteStream } from 'node:tty';

const WIDTH = 24;

export class Progress {
  readonly #stream: WriteStream;
  #stage = '';
  readonly #began = performance.now();

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  show(stage: string, step: number, of: number, note: string): void {
    if (!this.#stream.isTTY) {
      if (stage !== this.#stage || step === of) this.#stream.write(`${stage}: ${step} of ${of}, ${note}\n`);
      this.#stage = stage;
      return;
    }
    if (this.#stage !== '' && stage !== this.#stage) this.#stream.write('\n');
    this.#stage = stage;
    const filled = Math.round((step / of) * WIDTH);
    const bar = '━'.repeat(filled) + '╌'.repeat(WIDTH - filled);
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    this.#stream.write(`\r\x1b[K${stage.padEnd(9)} ${bar} ${step}/${of}  ${note}  ${seconds} s`);
  }

  end(): void {
    if (this.#stream.isTTY && this.#stage !== '') this.#stream.write('\n');
  }
}
