/** Asks other tools about a service that was soaked: why it did not end, and what Clinic makes of the same load. */
import type { ClinicTool } from '../opinions/clinic/find.ts';
import { underClinic } from '../opinions/clinic/run.ts';
import { noteOpinion } from '../opinions/opinion-log.ts';
import { whyIsItRunning } from '../opinions/why/replay.ts';
import { listening, ready } from './listening.ts';
import type { Program } from './program.ts';
import type { ServiceSoak } from './soak-service.ts';

export interface OtherTools {
  soak: ServiceSoak;
  /** It did not end when it was told to. */
  isStuck: boolean;
  clinic: ClinicTool | null;
  /** One round, as the soak gives it. */
  drive(round: number, signal: AbortSignal): Promise<unknown>;
  onBegin(tool: string): void;
}

export async function askOtherTools({ soak, isStuck, clinic, drive, onBegin }: OtherTools): Promise<void> {
  const { command, folder, targets, rounds, warmUpMs, waitMs } = soak;
  const urls = targets.map(({ url }) => url);
  if (isStuck && !soak.signal.aborted) {
    onBegin('why-is-node-running');
    const round = async (program: Program, control: { connected: Promise<unknown> }) => {
      await ready(program, control.connected, urls, soak);
      await whileRunning(program, soak.signal, (signal) => drive(rounds, signal));
      soak.signal.throwIfAborted();
      const hasEnded = await program.ends();
      soak.signal.throwIfAborted();
      return hasEnded;
    };
    noteOpinion(folder, await whyIsItRunning({ command, folder, log: 'service.log', round }));
  }
  if (clinic === null || soak.signal.aborted) return;
  onBegin(`clinic ${clinic}`);
  const load = async (program: Program) => {
    await listening(program, urls, waitMs, soak.signal);
    await whileRunning(program, soak.signal, async (signal) => {
      for (let round = warmUpMs > 0 ? 0 : 1; round <= rounds && !signal.aborted; round++) await drive(round, signal);
    });
  };
  noteOpinion(folder, await underClinic({ tool: clinic, command, folder, load, signal: soak.signal }));
}

/** The load ends with the program, or when the user has had enough. */
async function whileRunning(program: Program, stop: AbortSignal, work: (signal: AbortSignal) => Promise<unknown>) {
  const over = new AbortController();
  program.ended.then(() => over.abort());
  await work(AbortSignal.any([stop, over.signal]));
}
