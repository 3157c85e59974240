/** A command that ends by itself, such as a suite of tests: each run of it is one turn, in which one fault is made or none. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { keyOf, type LastTurn } from '../../probe/control/inject/at-end.ts';
import type { Fault } from '../../probe/control/inject/injector.ts';
import { isTurn } from '../../probe/control/protocol.ts';
import { Sources } from '../../probe/recording/source.ts';
import { Control } from '../control.ts';
import { type Ended, Program } from '../service/program.ts';
import type { Original } from './points.ts';

export interface CommandOptions {
  command: readonly [string, ...string[]];
  /** Each run records in a folder below it, which is removed afterwards. */
  folder: string;
  /** Of one run, milliseconds. */
  limitMs: number;
  signal: AbortSignal;
}

export interface CommandRun {
  /** Of all its processes and threads that the probe was in. */
  turns: LastTurn[];
  /** Null: it did not end in time, and was stopped. */
  ended: Ended | null;
  tookMs: number;
  lastWords: string;
}

/** Of a command's runs together: one that hangs cannot say itself what a loader made of the sources. */
export function originalIn(runs: readonly CommandRun[]): Original {
  const origins = new Map(runs.flatMap(({ turns }) => turns.flatMap((turn) => Object.entries(turn.origins))));
  const sources = new Sources();
  return (place) => ({ ...sources.original(place), ...origins.get(keyOf(place)) });
}

/** To settle and answer, milliseconds. */
const ANSWER_LIMIT_MS = 10_000;
/** For what it has left running, such as workers of a test runner, to say how their turn went; milliseconds. */
const REST_LIMIT_MS = 3000;

/** Throws `UserError` when there is no such program, and the signal's reason. */
export async function runCommand(options: CommandOptions, fault: Fault | null): Promise<CommandRun> {
  const { command, limitMs, signal } = options;
  signal.throwIfAborted();
  const folder = mkdtempSync(path.join(options.folder, 'run-'));
  const control = await Control.open();
  let program: Program | undefined;
  try {
    const began = performance.now();
    // test runners end their workers by a signal
    const env = { OUTLIVE_FAIL_PATH: JSON.stringify(fault), OUTLIVE_TURNS: folder, OUTLIVE_SIGNALS: '1' };
    program = await Program.start({ command, folder, log: 'command.log', control, env });
    const late = pause(limitMs, null, { signal, ref: false }).catch(() => null);
    const ended = await Promise.race([program.ended, late]);
    signal.throwIfAborted();
    const tookMs = performance.now() - began;
    const going = ended === null ? await turnsOfRunning(control) : [];
    if (ended !== null) await program.stop(REST_LIMIT_MS);
    const turns = [...turnsIn(folder), ...going];
    return { turns, ended, tookMs, lastWords: program.lastWords() };
  } finally {
    await program?.stop();
    control.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of what does not end, such as a pool that waits for a client: at rest. */
async function turnsOfRunning(control: Control): Promise<LastTurn[]> {
  const answers = await control.tell({ do: 'round-ended', round: 0 }, ANSWER_LIMIT_MS).catch(() => []);
  return answers.flatMap(({ turn }) => (turn ? [{ ...turn, isCut: false, origins: {}, lost: [] }] : []));
}

function turnsIn(folder: string): LastTurn[] {
  const names = readdirSync(folder).filter((name) => /^\d+-\d+\.json$/.test(name));
  const turns = names.map((name): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
  return turns.filter((turn): turn is LastTurn => isTurn(turn));
}
