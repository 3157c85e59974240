/** Soaks a job that ends by itself: runs its command again and again, each run under the probe. */
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { mask } from '../../probe/recording/mask.ts';
import { UserError } from '../../user-error.ts';
import { noteOpinion } from '../opinions/opinion-log.ts';
import { whyIsItRunning } from '../opinions/why/replay.ts';
import { LoadLog } from './load-log.ts';
import { exitStatus, howItEnded, Program } from './program.ts';

export interface CommandSoak {
  /** One line for the shell. */
  command: string;
  times: number;
  /** Of one run, milliseconds. */
  limitMs: number;
  folder: string;
  signal: AbortSignal;
  onProgress(run: number, note: string): void;
}

/** The first exit status that was not 0, or 0. An interruption is no error. */
export async function soakCommand({
  command,
  times,
  limitMs,
  folder,
  signal,
  onProgress,
}: CommandSoak): Promise<number> {
  const name = mask(command);
  const log = new LoadLog(folder, { kind: 'commands', targets: [name], connections: 0, planned: times });
  let status = 0;
  let isStuck = false;
  try {
    for (let round = 1; round <= times && !signal.aborted; round++) {
      const startedMs = Date.now();
      const program = await Program.start({ command, folder, log: 'command.log' });
      const late = pause(limitMs, null, { signal, ref: false }).catch(() => null);
      const ended = await Promise.race([program.ended, late]);
      if (ended === null) {
        await program.stop();
        isStuck ||= !signal.aborted;
        log.problems.push(signal.aborted ? 'The soak was interrupted.' : hung(name, round, limitMs));
      }
      const how = ended ?? (await program.ended);
      const key = how.signal ?? String(how.code);
      const failed = !signal.aborted && (ended === null || how.code !== 0) ? 1 : 0;
      const counts = { targets: [{ target: 0, statuses: { [key]: 1 }, failed }], errors: 0, latency: null };
      log.round({ round, startedMs, endedMs: Date.now(), requests: 1, ...counts, open: null, findings: null });
      if (failed) status ||= ended === null ? 1 : exitStatus(how, constants.signals);
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      onProgress(round, `${howItEnded(how)} after ${seconds} s`);
      if (round === 1 && (how.code === 127 || how.code === 126)) {
        throw new UserError(`The shell cannot run "${name}". ${program.lastWords()}.`);
      }
    }
    return status;
  } finally {
    log.end();
    if (isStuck && !signal.aborted) {
      onProgress(times, 'asking why-is-node-running');
      const round = (program: Program) => endsWithin(program, limitMs, signal);
      noteOpinion(folder, await whyIsItRunning({ command, folder, log: 'command.log', round }));
    }
  }
}

/** Rejects when it is interrupted. */
async function endsWithin(program: Program, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const late = pause(limitMs, false, { signal, ref: false });
  return Promise.race([program.ended.then(() => true), late]);
}

function hung(name: string, round: number, limitMs: number): string {
  return `Run ${round} of "${name}" did not end within ${Math.round(limitMs / 1000)} s and was stopped.`;
}
