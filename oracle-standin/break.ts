/**
 * A client breaks off what it has asked for (a call time-out, `breakExecution()`): the work is cancelled, both sides
 * throw away what is under way, and the call's answer becomes ORA-01013.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Marker, markerPacket } from './wire/packets.ts';
import { MalformedPacket } from './wire/reader.ts';

/** How long a cancel may take before the next: the first may have hit between two statements. */
const CANCEL_AGAIN_MS = 100;

export interface Breakable {
  /** The call that runs, or null. */
  running(): Promise<void> | null;
  /** Ends what the backend runs, if it does. */
  cancel(): Promise<void>;
  /** Waits until a cancel that came late has hit nothing. */
  settle(): Promise<void>;
  send(packet: Buffer): void;
  gone(): boolean;
  /** Both sides are in step again. */
  over(): void;
}

export class Break {
  readonly #of: Breakable;
  #active = false;
  #resetSeen = false;
  #reset: (() => void) | null = null;

  constructor(of: Breakable) {
    this.#of = of;
  }

  /** While it is, answers are thrown away and no call begins. */
  get active(): boolean {
    return this.#active;
  }

  /** Settles when it is over, if this begins one. Throws `MalformedPacket`. */
  async marker(kind: number): Promise<void> {
    if (kind === Marker.reset) {
      if (!this.#active || this.#resetSeen) throw new MalformedPacket('a RESET without a break');
      this.#resetSeen = true;
      this.#reset?.();
    } else if (kind !== Marker.interrupt && kind !== Marker.break) {
      throw new MalformedPacket(`a MARKER of kind ${kind}`);
    } else if (!this.#active) {
      await this.#begin();
    }
  }

  async #begin(): Promise<void> {
    this.#active = true;
    this.#resetSeen = false;
    const reset = new Promise<void>((resolve) => {
      this.#reset = resolve;
    });
    await this.#cancel();
    this.#of.send(markerPacket(Marker.break));
    await reset;
    this.#of.send(markerPacket(Marker.reset));
    this.#active = false;
    this.#reset = null;
    if (!this.#of.gone()) this.#of.over();
  }

  /** It must have ended before the client goes on: else the cancel would hit what is asked next. */
  async #cancel(): Promise<void> {
    const running = this.#of.running();
    if (!running) return;
    let done = false;
    const ended = running.then(() => {
      done = true;
    });
    while (!done && !this.#of.gone()) {
      await this.#of.cancel();
      await Promise.race([ended, delay(CANCEL_AGAIN_MS)]);
    }
    if (!this.#of.gone()) await this.#of.settle();
  }

  /** The session has ended: nothing more will come. */
  abandon(): void {
    this.#reset?.();
  }
}
