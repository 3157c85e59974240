/** When the probe looks: how often it ticks, samples and judges. All times in milliseconds, as `now` gives them. */

/** Between two ticks; longer between two judgements when judging takes long. */
const TICK = 500;
/** The same in production, for a process that has run so long: to wake an idle one costs more than what is done then. */
const RARE_TICK = 1000;
const YOUNG_MS = 30_000;
const SAMPLE = 1000;
/** Judging may take this share of the time, by the quickest of the latest judgements: the first ones run cold. */
const JUDGE_SHARE = 0.0025;
const LATEST = 4;
/** Between two judgements when the probe is over its budget. */
const SELDOM = 10_000;

export class Rhythm {
  /** Between two ticks. */
  period: number = TICK;
  private readonly slowsAt: number;
  private dueAt: number;
  private worstDelay = 0;
  private lastSample = 0;
  private nextJudge = 0;
  private readonly judgeCosts: number[] = [];

  constructor(bornAt: number, isSoak: boolean) {
    this.slowsAt = isSoak ? Number.POSITIVE_INFINITY : bornAt + YOUNG_MS;
    this.dueAt = bornAt + this.period;
  }

  /** At each tick; true when `period` is another from now on. */
  tick(time: number): boolean {
    // how late the tick comes is how long something else held the loop; a histogram would wake an idle process
    this.worstDelay = Math.max(this.worstDelay, time - this.dueAt);
    const slows = this.period === TICK && time > this.slowsAt;
    if (slows) this.period = RARE_TICK;
    this.dueAt = time + this.period;
    return slows;
  }

  /** What a judgement took. */
  judged(milliseconds: number): void {
    this.judgeCosts.push(milliseconds);
    if (this.judgeCosts.length > LATEST) this.judgeCosts.shift();
  }

  isTimeToJudge(time: number): boolean {
    return time >= this.nextJudge;
  }

  restFromJudging(time: number, isOverBudget: boolean): void {
    const rest = isOverBudget ? SELDOM : this.period;
    const dear = this.judgeCosts.length < LATEST ? 0 : Math.min(...this.judgeCosts) / JUDGE_SHARE;
    // a tick may come a little early
    this.nextJudge = time + Math.max(rest, dear) - this.period / 2;
  }

  /** The longest that the loop was held since the last sample, when it is time for another; else null. */
  sample(time: number): number | null {
    if (time - this.lastSample < SAMPLE - TICK / 2) return null;
    this.lastSample = time;
    const worst = this.worstDelay;
    this.worstDelay = 0;
    return worst;
  }
}
