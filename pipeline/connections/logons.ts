/** Every logon of a process: how many were asked for, how many at once, and how those that failed did. */
import { failureOf } from '../store/failure.ts';

export interface LogonCounts {
  /** Logons that were begun. */
  asked: number;
  /** Sessions that came of them. */
  opened: number;
  /** Most logons under way at once. */
  underWayPeak: number;
  open: number;
  /** Most open sessions at once. */
  openPeak: number;
  failures: LogonFailure[];
}

/** Logons that failed alike. */
export interface LogonFailure {
  code: string | null;
  message: string;
  /** How long they had been under way, in tenths of a second. */
  age: number;
  count: number;
}

export class Logons {
  #counts: Omit<LogonCounts, 'failures'> = { asked: 0, opened: 0, underWayPeak: 0, open: 0, openPeak: 0 };
  #underWay = 0;
  readonly #failures = new Map<string, LogonFailure>();
  readonly #errors = new WeakSet<Error>();

  get underWay(): number {
    return this.#underWay;
  }

  /** Call the result once when the logon has ended. */
  began(): (error?: Error | null) => void {
    const counts = this.#counts;
    counts.asked++;
    counts.underWayPeak = Math.max(counts.underWayPeak, ++this.#underWay);
    const at = performance.now();
    return (error) => {
      this.#underWay--;
      if (error) this.#failed(error, performance.now() - at);
      else {
        counts.opened++;
        counts.openPeak = Math.max(counts.openPeak, ++counts.open);
      }
    };
  }

  /** Of a logon that was seen only when it failed. `began`: by `performance.now()`, or before. */
  failedSince(began: number, error: Error): void {
    this.#counts.asked++;
    this.#failed(error, performance.now() - began);
  }

  sessionEnded(): void {
    this.#counts.open--;
  }

  /** Whether `error`, or what it came of, is a logon's: it is counted here. */
  hasCounted(error: unknown): boolean {
    return error instanceof Error && (this.#errors.has(error) || this.hasCounted(error.cause));
  }

  counts(): LogonCounts {
    return { ...this.#counts, failures: [...this.#failures.values()] };
  }

  #failed(error: Error, age: number): void {
    this.#errors.add(error);
    const { code = null } = error as NodeJS.ErrnoException;
    const failure = { code, message: failureOf(error), age: Math.round(age / 100), count: 1 };
    const key = JSON.stringify([code, failure.message, failure.age]);
    const known = this.#failures.get(key);
    if (known) known.count++;
    else this.#failures.set(key, failure);
  }
}
