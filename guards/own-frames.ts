/** A failed test is shown as without its guard: what stands in a stack because of that is taken out. */
import path from 'node:path';

const OWN = path.dirname(__dirname) + path.sep;
/** By which a guard runs a test; it stands above the guard's own frames. */
const IN_SCOPE = /^\s+at AsyncLocalStorage\.run \(node:/;
/** Of causes, and of errors within errors. */
const DEEPEST = 5;

/** In place; what is no error, or cannot be changed, stays as it is. */
export function withoutOwnFrames(error: unknown, depth = 0): void {
  if (typeof error !== 'object' || error === null || depth > DEEPEST) return;
  try {
    const { stack, cause, errors } = error as { stack?: unknown; cause?: unknown; errors?: unknown };
    if (typeof stack === 'string' && stack.includes(OWN)) (error as Error).stack = withoutOwn(stack);
    for (const inner of [cause, ...(Array.isArray(errors) ? errors : [])]) withoutOwnFrames(inner, depth + 1);
  } catch {
    // a proxy, or a stack that is read-only
  }
}

function withoutOwn(stack: string): string {
  const lines = stack.split('\n');
  const isOwn = (line: string | undefined): boolean => line !== undefined && /^\s+at /.test(line) && line.includes(OWN);
  return lines.filter((line, index) => !isOwn(line) && !(IN_SCOPE.test(line) && isOwn(lines[index + 1]))).join('\n');
}
