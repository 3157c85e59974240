/** What the job manager told people, and when: the latest of it, for its page. */

export interface ClusterEvent {
  /** Milliseconds since 1970. */
  time: number;
  sentence: string;
}

const MOST = 100;

export class Events {
  readonly #latest: ClusterEvent[] = [];
  readonly #say: (sentence: string) => void;

  constructor(say: (sentence: string) => void) {
    this.#say = say;
  }

  /** Oldest first. */
  get latest(): readonly ClusterEvent[] {
    return this.#latest;
  }

  readonly log = (sentence: string): void => {
    this.#say(sentence);
    this.#latest.push({ time: Date.now(), sentence });
    if (this.#latest.length > MOST) this.#latest.shift();
  };
}
