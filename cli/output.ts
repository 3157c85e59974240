/** What run, soak and report have in common at their end: files, summary, exit code. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { newRunFolder } from '../probe/recording/folder.ts';
import { CERTAINTIES, type Recording } from '../probe/recording/format.ts';
import { makeFolder, writeOwn } from '../probe/recording/own.ts';
import type { Report } from '../probe/recording/report.ts';
import { beginAnew } from '../reports/begin-anew.ts';
import type { Comparison } from '../reports/compare.ts';
import { renderHtml } from '../reports/html/render.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { UserError } from '../user-error.ts';
import { named } from './checks.ts';
import type { Option } from './options.ts';
import { EXIT_CLEAN, EXIT_FINDINGS } from './usage.ts';

/** Where run and soak write. */
export const OUT = {
  value: 'DIR',
  check: named('folder'),
  help: 'where to write (default .outlive/<time>-<pid>; .outlive/latest points to the newest)',
} as const satisfies Option;

export const FAIL_ON = {
  value: 'LEVEL',
  allowed: [...CERTAINTIES, 'inconclusive', 'never'],
  default: 'likely',
  help: 'exit with 1 on findings at least this certain; inconclusive: also where too little was seen',
} as const satisfies Option;
export type FailOn = (typeof FAIL_ON.allowed)[number];

/** The folder of a run: as asked for, as the environment says, or a new one. Throws `UserError`. */
export function openRunFolder(asked: string | undefined): string {
  // as with all settings, an empty one is none
  const folder = path.resolve(asked ?? (process.env.OUTLIVE_OUT || newRunFolder()));
  makeRunFolder(folder);
  return folder;
}

/**
 * Before anything is started: what could not be recorded is not worth running. A folder that was used before begins
 * anew. Throws `UserError`.
 */
export function makeRunFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    beginAnew(folder);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`${folder} cannot be written (${code}); --out DIR names another folder.`);
  }
}

/** Writes the HTML file and returns its path. */
export function writeHtml(file: string, report: Report, recordings: Recording[]): string {
  writeOwn(file, renderHtml(report, recordings));
  return path.resolve(file);
}

/** The summary for people goes to stderr: stdout is the program's, or the machine's with --json. */
export function printSummary(report: Report, comparison: Comparison | null = null): void {
  const color = process.stderr.isTTY === true && !process.env.NO_COLOR;
  process.stderr.write(`${renderTerminal(report, { color, width: process.stderr.columns ?? 100, comparison })}\n`);
}

/** 1 when a finding is at least as certain as `failOn`, or what was seen too little for it, else 0. */
export function exitCodeOf({ findings, verdict }: Pick<Report, 'findings' | 'verdict'>, failOn: FailOn): number {
  if (failOn === 'inconclusive') return findings.length > 0 || verdict === failOn ? EXIT_FINDINGS : EXIT_CLEAN;
  const limit = failOn === 'never' ? -1 : CERTAINTIES.indexOf(failOn);
  return findings.some(({ certainty }) => CERTAINTIES.indexOf(certainty) <= limit) ? EXIT_FINDINGS : EXIT_CLEAN;
}

/** A path as short as it can be said from here. */
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === '' || relative.startsWith('..') ? file : relative;
}
