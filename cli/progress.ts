/** Where a long job is: one line that is rewritten on a terminal, a line a stage elsewhere. */
import type { WriteStream } from 'node:tty';

const WIDTH = 24;

export interface Position {
  stage: string;
  /** Of all stages together, from 0 to 1. */
  done: number;
  /** Until the end of all, milliseconds; null: not known. */
  leftMs: number | null;
  note: string;
  /** The stage is over: what is then said stays. */
  isOver: boolean;
}

export class Progress {
  readonly #stream: WriteStream;
  #stage = '';
  /** Whether the terminal's cursor is behind a line that is to be rewritten, and whether that says nothing lasting. */
  #isOpen = false;
  #isPassing = false;
  readonly #began = performance.now();

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  /** One of several stages, each of so many steps. */
  show(stage: string, step: number, of: number, note: string): void {
    if (!this.#stream.isTTY) {
      if (stage !== this.#stage || step === of) this.#stream.write(`${stage}: ${step} of ${of}, ${note}\n`);
      this.#stage = stage;
      return;
    }
    if (stage !== this.#stage) this.end();
    this.#stage = stage;
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    this.#isPassing = false;
    this.#rewrite(`${stage.padEnd(9)} ${bar(step / of)} ${step}/${of}  ${note}  ${seconds} s`);
  }

  /** One line for all stages, with the time left; what a finished stage came to stays above it. */
  report({ stage, done, leftMs, note, isOver }: Position): void {
    const words = `${stage}: ${note}`;
    if (!this.#stream.isTTY) {
      if (isOver) this.#stream.write(`${words}\n`);
      return;
    }
    if (isOver) {
      this.#stream.write(`\r\x1b[K${words}\n`);
      this.#isOpen = false;
    }
    this.#isPassing = true;
    const left = leftMs === null ? '' : `  ${clock(leftMs)} left`;
    this.#rewrite(`${bar(done)}${left}  ${isOver ? '' : words}`);
  }

  end(): void {
    if (this.#isOpen) this.#stream.write(this.#isPassing ? '\r\x1b[K' : '\n');
    this.#isOpen = false;
  }

  #rewrite(line: string): void {
    this.#isOpen = true;
    // a line that wraps could not be rewritten
    this.#stream.write(`\r\x1b[K${line.trimEnd().slice(0, (this.#stream.columns || 100) - 1)}`);
  }
}

function bar(done: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, done)) * WIDTH);
  return '━'.repeat(filled) + '╌'.repeat(WIDTH - filled);
}

/** `1:05`. */
function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
