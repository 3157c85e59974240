/**
 * How the callback of a time-out gives up, by its text:
 *
 * - `a promise`: it calls the `reject` of the promise around it, or aborts a controller. Whoever waits is a continuation.
 * - `handed on`: it calls back with an error, or rejects a promise that was made elsewhere. Others wait, unseen.
 * - `its connection`: it may do so by closing the connection in whose event it was set.
 *
 * None of these is what is kept for a while and then taken out of where it is kept, even if it is aborted then.
 */
export type Means = 'a promise' | 'handed on' | 'its connection';

/** Of a text. */
const READ = 1000;

const REJECTS = /(?:^|[^.\w$])reject\b/;
const ABORTS = /\b(?:\w*(?:abort|control|signal)\w*|ctrl|ac|c)\??\.abort\b|\bbound abort\b/i;
const TAKES_OUT = /\.delete\(/;
/**
 * `done(new Error(…))`, `deferred.reject(error)`, and what answers if nobody has yet; but not `socket.destroy(new Error(…))`
 * nor `order.reject(id)`.
 */
const HANDS_ON =
  /\bheadersSent\b|(?:^|[^.\w$])(?!(?:if|for|while|switch|catch|return)\b)[\w$]+\(\s*(?:new\s+)?[\w$.]*Error\b|\.reject\(\s*(?:\)|(?:new\s+)?[\w$.]*[eE]rr(?:or)?\b)/;
const CLOSES = /Error\b|ETIMEDOUT|\b(?:reject|abort|destroy|close|terminate|end)\b/;

/** `args`: what it is called with. A native function that is called with an error is taken for the `reject` of a promise. */
export function textOf(callback: object, args: readonly unknown[] = []): string {
  const { name } = callback as { name?: unknown };
  const text = Function.prototype.toString.call(callback).slice(0, READ);
  if (!(args[0] instanceof Error)) return `${String(name)} ${text}`;
  return `${text.includes('[native code]') ? 'reject' : 'handOn(Error)'} ${String(name)} ${text}`;
}

/** Null: it does not. */
export function givesUpBy(text: string): Means | null {
  if (REJECTS.test(text)) return 'a promise';
  if (ABORTS.test(text) && !TAKES_OUT.test(text)) return 'a promise';
  if (HANDS_ON.test(text)) return 'handed on';
  return CLOSES.test(text) ? 'its connection' : null;
}
