/**
 * Who waited for a pool's connections, how long, and for whom.
 *
 * A wait is charged to the jobs that had the connections meanwhile, by how much they had of them: to a job that held
 * eight of ten throughout, eight tenths of it. What was taken up by logons is charged to none of them but to `logon`.
 */

export interface JobWaits {
  job: string;
  acquired: number;
  /** Acquires that threw. */
  failed: number;
  /** Of each acquire, in milliseconds, in order. */
  waits: number[];
  /** Sum of the times that connections were held, milliseconds. */
  held: number;
  /** Milliseconds of waiting, by the job that had the connections, or `logon`. */
  waitedFor: Record<string, number>;
}

export const LOGON = 'logon';

export class Waits {
  readonly #jobs = new Map<string, JobWaits>();
  /** Connections each job holds now, and connection-milliseconds each has had up to `#at`. */
  readonly #holding = new Map<string, number>();
  readonly #had = new Map<string, number>();
  readonly #logonsUnderWay: () => number;
  #at: number;

  constructor(logonsUnderWay: () => number, now: number) {
    this.#logonsUnderWay = logonsUnderWay;
    this.#at = now;
  }

  jobs(): JobWaits[] {
    return [...this.#jobs.values()];
  }

  /** Call the result once when the acquire has ended; it gives what to call at the release. */
  began(job: string, now: number): (isAcquired: boolean, now: number) => (now: number) => void {
    this.#advance(now);
    const before = new Map(this.#had);
    const began = now;
    return (isAcquired, ended) => {
      this.#advance(ended);
      const account = this.#of(job);
      account.waits.push(ended - began);
      this.#charge(account, before, ended - began);
      if (!isAcquired) {
        account.failed++;
        return () => {};
      }
      account.acquired++;
      this.#hold(job, 1);
      return (released) => {
        this.#advance(released);
        this.#hold(job, -1);
        account.held += released - ended;
      };
    };
  }

  #hold(job: string, change: 1 | -1): void {
    this.#holding.set(job, (this.#holding.get(job) ?? 0) + change);
  }

  #advance(now: number): void {
    const passed = now - this.#at;
    this.#at = now;
    for (const [job, count] of [...this.#holding, [LOGON, this.#logonsUnderWay()] as const]) {
      if (count > 0) this.#had.set(job, (this.#had.get(job) ?? 0) + count * passed);
    }
  }

  #charge({ waitedFor }: JobWaits, before: ReadonlyMap<string, number>, wait: number): void {
    const shares = [...this.#had].map(([job, had]) => [job, had - (before.get(job) ?? 0)] as const);
    const total = shares.reduce((sum, [, share]) => sum + share, 0);
    if (total === 0) return;
    for (const [job, share] of shares) {
      if (share > 0) waitedFor[job] = (waitedFor[job] ?? 0) + (share / total) * wait;
    }
  }

  #of(job: string): JobWaits {
    const known = this.#jobs.get(job);
    if (known) return known;
    const account = { job, acquired: 0, failed: 0, waits: [], held: 0, waitedFor: {} };
    this.#jobs.set(job, account);
    return account;
  }
}
