/** Failures of what the pipeline works with, told from those of the program. */
import { failureOf, isDatabaseFailure } from './store/failure.ts';
import { StreamFailure } from './streams/stream.ts';

/** Words for what failed, where that may come back. */
export function outageOf(error: unknown): string | null {
  if (error instanceof StreamFailure) return `The stream failed: ${error.message}`;
  return isDatabaseFailure(error) ? `The database failed: ${failureOf(error)}` : null;
}
