/**
 * Keeps an overload's sizes right for the machine as it is: measures it before and after what is compared. Where nothing
 * is to be sized, nothing is measured.
 */
import { type Fitted, fitted, type OverloadPlan, onlyOf } from './plan.ts';
import { doubtOf, type SizingRule, sizeBy } from './rules.ts';
import type { LoadServer, ServerWish } from './server.ts';
import { measureSpeed, type Speed, speedWords } from './speed.ts';

export interface SizingOptions {
  declared: OverloadPlan;
  /** The user said how many slots: they stay. */
  isFixed: boolean;
  open(wish: ServerWish): Promise<LoadServer>;
  /** Told before each measuring, which takes some seconds. */
  measuring(): void;
}

export class Sizing {
  readonly #declared: OverloadPlan;
  readonly #isFixed: boolean;
  readonly #rules: readonly SizingRule[];
  readonly #open: (wish: ServerWish) => Promise<LoadServer>;
  readonly #measuring: () => void;
  /** As it is now, if nothing was run since. */
  #speed: Speed | null = null;
  server: LoadServer;
  plan: OverloadPlan;
  /** What was made smaller because it would not fit, and why. */
  why: string[];
  /** What was measured and set, one sentence each. */
  readonly words: string[] = [];

  private constructor({ declared, isFixed, open, measuring }: SizingOptions, server: LoadServer) {
    this.#declared = declared;
    this.#isFixed = isFixed;
    this.#rules = declared.sizing ?? [];
    this.#open = open;
    this.#measuring = measuring;
    this.server = server;
    const { plan, why } = this.#fit(declared);
    this.plan = plan;
    this.why = why;
  }

  /** With a server as the plan wishes, which is stopped by `stop`. */
  static async open(options: SizingOptions): Promise<Sizing> {
    return new Sizing(options, await options.open(options.declared.server));
  }

  /**
   * Sizes the variants of these names anew, the first time all of them, unless the sizes are right. Null: they are; else
   * why there is no right size here, in a sentence.
   */
  async prepare(names: readonly string[]): Promise<string | null> {
    if (this.#rules.length === 0) return null;
    const isFirst = this.words.length === 0;
    this.#speed ??= await this.#measure();
    const speed = this.#speed;
    this.#speed = null;
    if (!isFirst && doubtOf(this.#rules, onlyOf(this.plan, names), speed) === null) return null;
    const limits = this.server.isPrivate ? null : this.server.limits;
    const fit = (wish: OverloadPlan) => this.#fit(wish).plan;
    // what the others need of the server stays
    const wish = isFirst ? this.#declared : { ...this.plan, variants: onlyOf(this.#declared, names).variants };
    const sized = sizeBy(this.#rules, wish, { speed, fit, isFixed: this.#isFixed, limits });
    const { plan: sizes, why } = this.#fit(sized.plan);
    const variants = this.plan.variants.map((one) => sizes.variants.find(({ name }) => name === one.name) ?? one);
    const plan = { ...sizes, variants };
    this.why = why;
    this.words.push(speedWords(speed), ...sized.words);
    const isAlike = JSON.stringify(plan.server) === JSON.stringify(this.plan.server);
    this.plan = plan;
    if (!isAlike && !limits) {
      await this.server.stop();
      this.server = await this.#open(plan.server);
    }
    return doubtOf(this.#rules, onlyOf(plan, names), speed);
  }

  /** Of the variants of these names: null: their sizes are still right; else what has changed, in a sentence. */
  async doubt(names: readonly string[]): Promise<string | null> {
    if (this.#rules.length === 0) return null;
    this.#speed = await this.#measure();
    return doubtOf(this.#rules, onlyOf(this.plan, names), this.#speed);
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
