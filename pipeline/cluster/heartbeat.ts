/** Asks a task manager again and again for a sign of life, and says when it has given none for too long. */

const BEAT_MS = 500;
/** One that is only busy may be silent for so many times as long as one that stands still. */
const BUSY_TIMES = 8;

export interface Beating {
  /** Silence of so many milliseconds means that it is frozen. */
  frozenMs: number;
  ask(): void;
  /** Whether it is at work, though it does not answer. */
  isBusy(): boolean;
  /** Told once. */
  frozen(silentMs: number): void;
}

export class Heartbeat {
  readonly #beating: Beating;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #lookedAt = 0;

  constructor(beating: Beating) {
    this.#beating = beating;
    this.#everyMs = Math.min(BEAT_MS, beating.frozenMs / 4);
  }

  /** Milliseconds since it last answered. */
  get silentMs(): number {
    return Math.round(performance.now() - this.#heardAt);
  }

  start(): void {
    this.heard();
    this.#lookedAt = performance.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), this.#everyMs).unref();
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { frozenMs, ask, isBusy, frozen } = this.#beating;
    const now = performance.now();
    // this process was held up itself: what came meanwhile is yet to be read
    if (now - this.#lookedAt > 3 * this.#everyMs) this.#heardAt += now - this.#lookedAt;
    this.#lookedAt = now;
    const { silentMs } = this;
    if (silentMs < frozenMs || (silentMs < BUSY_TIMES * frozenMs && isBusy())) {
      ask();
      return;
    }
    this.stop();
    frozen(silentMs);
  }
}
