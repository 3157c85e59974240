/** A scenario's program talks to its runner over the channel it was started with, and ends when that is gone. */
import type { ProgramError } from './check.ts';
import type { Work } from './scenario.ts';

/** What a program tells its runner. */
export type ProgramMessage =
  | { run: number; of: number; note: string }
  | { work: Work; errors: ProgramError[]; figures: Work };

process.on('disconnect', () => process.exit(1));

/** Resolves when the runner lets the next run begin: it has let the probe judge this one at rest. */
export function reportRun(run: number, of: number, note: string): Promise<void> {
  return new Promise((resolve) => {
    if (!process.send) return resolve();
    process.once('message', () => resolve());
    process.send({ run, of, note } satisfies ProgramMessage);
  });
}

/**
 * Resolves when the runner has been told what was done, which both variants must do alike, the errors that it ended
 * with, and further figures.
 */
export function reportWork(work: Work, errors: ProgramError[] = [], figures: Work = {}): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send({ work, errors, figures } satisfies ProgramMessage, () => resolve());
    else resolve();
  });
}
