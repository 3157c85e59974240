/** What a thread does that does not answer: the inspector may interrupt it, and a stack is taken in its place. */
import type { Thread } from './inspector.ts';

const ANSWER_MS = 1000;
const STACK = `(() => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  try { return String(new Error().stack); } finally { Error.stackTraceLimit = stackTraceLimit; }
})()`;

/** `spin (/app/orders.js:12:5)`: the program's own innermost frame. Null: no JavaScript runs. */
export async function whereHeld(thread: Thread): Promise<string | null> {
  try {
    const { value } = await thread.evaluate(STACK, { withinMs: ANSWER_MS });
    return innermost(String(value));
  } catch {
    return null;
  }
}

export function innermost(stack: string): string | null {
  const frames = stack.split('\n').flatMap((line) => /^\s+at (.+)$/.exec(line)?.[1] ?? []);
  const own = frames.filter((frame) => !/(?:^|\()(?:<anonymous>|node:)/.test(frame));
  return own.find((frame) => !frame.includes('/node_modules/')) ?? own[0] ?? null;
}
