/** The same symbol in every copy of the class: the probe's bundles have copies of their own. */
const BRAND = Symbol.for('outlive.UserError');

/** What a person can put right: the message is one clear sentence, shown without a stack, exit code 2. */
export class UserError extends Error {
  override name = 'UserError';

  get [BRAND](): true {
    return true;
  }

  /** Also of another copy of the class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this, and has fewer instances
    if (this !== UserError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
