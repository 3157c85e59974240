/** Runs a command again with the fault of a candidate that was confirmed, for the test that goes with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Sources } from '../../probe/recording/source.ts';
import { type CommandOptions, originalIn, runCommand } from './command.ts';
import { pointsOf } from './points.ts';
import type { Recipe } from './replay.ts';
import { Trial } from './trial.ts';
import { nameOf } from './words.ts';

export interface CommandRecipe {
  /** Program and arguments, run in the current directory. It ends by itself. */
  command: string[];
  /** The line that acquires, as in `fault`. */
  taken: Omit<Recipe['fault'], 'kind' | 'ordinal' | 'atStart'>;
  /** Null: it stays open with nothing made to fail. */
  fault: Omit<Recipe['fault'], 'atStart'> | null;
  /** Of one run, milliseconds. */
  limitMs: number;
}

/** Throws an error that says what stays open when the command runs with this fault. */
export async function mustComeBack({ command, taken, fault, limitMs }: CommandRecipe): Promise<void> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error('The recipe has no command.');
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-fail-path-'));
  const options: CommandOptions = {
    ...{ command: [program, ...args], folder, limitMs },
    signal: new AbortController().signal,
  };
  try {
    const without = [await runCommand(options, null)];
    const original = originalIn(without);
    const trial = new Trial({ ...lineNow(taken), throwing: [] }, without, original);
    const place = `${path.basename(taken.file)}:${trial.line}`;
    if (!trial.isReached) throw new Error(`The command acquired nothing at ${place}: ${ANEW}`);
    if (trial.staysOpen) throw new Error(`Something stays open that was taken at ${place}, with nothing made to fail.`);
    if (fault === null) return;
    const meant = without
      .flatMap(({ turns }) => turns.flatMap(({ calls }) => pointsOf(calls, true, original)))
      .filter(({ fault: own, site }) => own.kind === fault.kind && own.ordinal === fault.ordinal && isAt(site, fault))
      .sort((a, b) => Math.abs(a.site.line - fault.line) - Math.abs(b.site.line - fault.line))[0];
    if (!meant) throw new Error(`${fault.file} asks for no ${fault.kind} at "${fault.call}" any more: ${ANEW}`);
    const outcome = trial.outcomeOf(await runCommand(options, meant.fault));
    if (outcome === 'grew')
      throw new Error(`When ${nameOf(meant)} fails, something stays open that was taken at ${place}.`);
    if (outcome !== 'returned')
      throw new Error(`${nameOf(meant)} was not reached again, or the program ended at once.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ANEW = 'the code has changed, ask outlive candidates --confirm anew.';

/** The line with that text which is nearest to where it was. */
function lineNow({ file, call, line }: CommandRecipe['taken']) {
  const absolute = path.resolve(file);
  const lines = new Sources().lines(absolute) ?? [];
  const [now] = lines
    .flatMap((text, index) => (text.trim() === call ? [index + 1] : []))
    .sort((a, b) => Math.abs(a - line) - Math.abs(b - line));
  if (now === undefined) throw new Error(`${file} has no "${call}" any more: ${ANEW}`);
  const at = { line: now, column: 1 };
  return { file: absolute, taken: { from: at, to: at }, between: null };
}

function isAt(
  { file, line }: { file: string; line: number },
  wanted: Omit<Recipe['fault'], 'kind' | 'ordinal'>,
): boolean {
  return path.resolve(wanted.file) === file && new Sources().lines(file)?.[line - 1]?.trim() === wanted.call;
}
