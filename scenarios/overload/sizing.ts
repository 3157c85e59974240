/**
 * Keeps an overload's sizes right for the machine as it is: measures it before and after what is compared. Where nothing
 * is to be sized, nothing is measured.
 */
import { type Fitted, fitted, type OverloadPlan } from './plan.ts';
import { doubtOf, type SizingRule, sizeBy } from './rules.ts';
import { type LoadServer, openLoadServer } from './server.ts';
import { measureSpeed, type Speed, speedWords } from './speed.ts';

export class Sizing {
  readonly #declared: OverloadPlan;
  /** The user said how many slots: they stay. */
  readonly #isFixed: boolean;
  readonly #rules: readonly SizingRule[];
  readonly #measuring: () => void;
  /** As it is now, if nothing was run since. */
  #speed: Speed | null = null;
  server: LoadServer;
  plan: OverloadPlan;
  /** What was made smaller because it would not fit, and why. */
  why: string[];
  /** What was measured and set, one sentence each. */
  readonly words: string[] = [];

  /** `server`: as the plan wishes; it is stopped by `stop`. */
  constructor(declared: OverloadPlan, isFixed: boolean, server: LoadServer, measuring: () => void) {
    this.#declared = declared;
    this.#isFixed = isFixed;
    this.#rules = (server.limits.kind === 'postgresql' && declared.sizing) || [];
    this.#measuring = measuring;
    this.server = server;
    const { plan, why } = this.#fit(declared);
    this.plan = plan;
    this.why = why;
  }

  /** Sizes anew unless the sizes are right. Null: they are; else why there is no right size here, in a sentence. */
  async prepare(): Promise<string | null> {
    if (this.#rules.length === 0) return null;
    const isFirst = this.words.length === 0;
    this.#speed ??= await this.#measure();
    const speed = this.#speed;
    this.#speed = null;
    if (!isFirst && doubtOf(this.#rules, this.plan, speed) === null) return null;
    const limits = this.server.isPrivate ? null : this.server.limits;
    const fit = (wish: OverloadPlan) => this.#fit(wish).plan;
    const sized = sizeBy(this.#rules, this.#declared, { speed, fit, isFixed: this.#isFixed, limits });
    const { plan, why } = this.#fit(sized.plan);
    this.why = why;
    this.words.push(speedWords(speed), ...sized.words);
    const isAlike = JSON.stringify(plan.server) === JSON.stringify(this.plan.server);
    this.plan = plan;
    if (!isAlike && !limits) {
      await this.server.stop();
      this.server = await openLoadServer(plan.server);
    }
    return doubtOf(this.#rules, plan, speed);
  }

  /** Null: the sizes are still right; else what has changed, in a sentence. */
  async doubt(): Promise<string | null> {
    if (this.#rules.length === 0) return null;
    this.#speed = await this.#measure();
    return doubtOf(this.#rules, this.plan, this.#speed);
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  #fit(plan: OverloadPlan): Fitted {
    return fitted(plan, this.server.isPrivate ? null : this.server.limits.maxSessions);
  }

  #measure(): Promise<Speed> {
    this.#measuring();
    return this.server.withPatience(() => measureSpeed(this.server));
  }
}
