/**
 * Confirms candidates by executions: a command is run with nothing made to fail, and then once for each operation that
 * it asks for between what a candidate acquires and its release, which is made to fail. What stays open with the fault
 * is tried again as often as by `soak --fail-path`.
 */
import { rmSync } from 'node:fs';
import { UserError } from '../../user-error.ts';
import { howItEnded } from '../service/program.ts';
import { type CommandOptions, type CommandRun, originalIn, runCommand } from './command.ts';
import { mend } from './mend.ts';
import { ownFolder } from './own-folder.ts';
import { type Original, type Point, pointsOf } from './points.ts';
import { commandTest } from './test-file.ts';
import { type Confirmation, type Suspicion, Trial } from './trial.ts';
import { nameOf, TIMES } from './words.ts';

export interface ConfirmOptions extends Omit<CommandOptions, 'folder'> {
  onProgress(done: number, of: number, note: string): void;
  /** The command does not end well by itself, so that less may have been reached. */
  onProblem(sentence: string): void;
}

/** A run with a fault may take longer than one without, which tells how long a run takes: times, and milliseconds. */
const LONGER = { times: 3, byMs: 5000 };

/** In the order of `suspicions`. Throws `UserError` when the command cannot be run, or no probe was in it. */
export async function confirm(suspicions: readonly Suspicion[], options: ConfirmOptions): Promise<Confirmation[]> {
  const folder = ownFolder('confirm');
  const run = { ...options, folder };
  const { onProgress } = options;
  try {
    onProgress(0, 1, 'running the command with nothing made to fail');
    const first = await runCommand(run, null);
    mustBeSeen(first, options);
    run.limitMs = first.ended === null ? run.limitMs : Math.min(run.limitMs, first.tookMs * LONGER.times + LONGER.byMs);
    const without = [first];
    while (without.length < TIMES - 1) without.push(await runCommand(run, null));
    const original = originalIn(without);
    const trials = suspicions.map((suspicion) => new Trial(suspicion, without, original));
    const points = pointsIn(without, original).filter((point) => trials.some((trial) => trial.wants(point)));
    for (const [index, point] of points.entries()) {
      onProgress(index, points.length, `${nameOf(point)} fails`);
      await tryOut(point, trials, () => runCommand(run, point.fault));
    }
    const confirmations: Confirmation[] = [];
    for (const trial of trials) {
      const confirmation = trial.conclude();
      if (confirmation.verdict === 'confirmed') onProgress(points.length, points.length, 'trying out a fix');
      confirmations.push({ ...confirmation, ...(await fixOf(trial, confirmation, run)) });
    }
    onProgress(points.length, points.length, '');
    return confirmations;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nothing where nothing was confirmed. */
async function fixOf(trial: Trial, { verdict, fault }: Confirmation, run: CommandOptions) {
  const { loss } = trial;
  if (verdict !== 'confirmed' || loss === null) return {};
  const { command, limitMs, signal } = run;
  const test = commandTest(command, loss, fault, Math.ceil(limitMs));
  // the command runs twice in it
  return { test, fix: await mend(loss, { test, limitMs: 2 * limitMs + LONGER.byMs, signal }) };
}

/** Until nothing stays open, or it did so each of `TIMES`. */
async function tryOut(point: Point, trials: readonly Trial[], run: () => Promise<CommandRun>): Promise<void> {
  let concerned = trials.filter((trial) => trial.wants(point));
  for (let time = 0; time < TIMES && concerned.length > 0; time++) {
    const ran = await run();
    concerned = concerned.filter((trial) => trial.note(point, ran));
  }
}

function mustBeSeen({ turns, lastWords, ended }: CommandRun, { command, limitMs, onProblem }: ConfirmOptions): void {
  const how = ended === null ? `did not end within ${Math.round(limitMs / 1000)} s` : howItEnded(ended);
  if (turns.length === 0) {
    throw new UserError(`No Node.js process told what it left open: ${command[0]} ${how}. ${lastWords}.`);
  }
  if (ended?.code !== 0) onProblem(`With nothing made to fail, ${command[0]} ${how}. ${lastWords}.`);
}

/** Each process has a count of its own: what is the second in one may be the first in another. */
function pointsIn(runs: readonly CommandRun[], original: Original): Point[] {
  const points = runs.flatMap(({ turns }) => turns).flatMap(({ calls }) => pointsOf(calls, true, original));
  return [...new Map(points.map((point) => [JSON.stringify(point.fault), point])).values()];
}
