/**
 * Soaks a service: starts it under the probe, waits until it listens, warms it up, and then, round after round, gives
 * it load, lets it settle, and has the probe judge what is still open. Whatever happens, what was seen is reported.
 */

import { readSnapshots, removeSnapshots } from '../../heap/of-run.ts';
import type { LoadRound } from '../../probe/recording/load.ts';
import type { SnapshotName } from '../../probe/recording/snapshot-names.ts';
import { Control } from '../control.ts';
import type { ClinicTool } from '../opinions/clinic/find.ts';
import { inVain } from './in-vain.ts';
import { mustBeFree, ready } from './listening.ts';
import { type Given, load } from './load.ts';
import { LoadLog } from './load-log.ts';
import { askOtherTools } from './other-tools.ts';
import { type Ended, howItEnded, Program } from './program.ts';
import type { Drive } from './script.ts';
import { takeSnapshots } from './snapshots.ts';
import { nameOf, type Target } from './targets.ts';

export interface ServiceSoak {
  command: readonly [string, ...string[]];
  /** Where it listens, and what it is asked unless a script does that. */
  targets: readonly Target[];
  script: { name: string; drive: Drive } | null;
  /** Made by the caller. */
  folder: string;
  rounds: number;
  /** Of each round, and of the warm-up; milliseconds. */
  roundMs: number;
  warmUpMs: number;
  connections: number;
  rate: number | null;
  /** Statuses that are as they should be; empty: all below 400. */
  expected: readonly number[];
  /** How long it may take until it listens, milliseconds. */
  waitMs: number;
  /** Megabytes of heap up to which it is looked at who holds what; 0: never. */
  snapshotMaxMb: number;
  /** Which of Clinic's tools is to see the same load afterwards; null: none. */
  clinic: ClinicTool | null;
  signal: AbortSignal;
  onProgress(step: Step): void;
}

export interface Step {
  name: 'start' | 'warm-up' | 'round' | 'stop' | 'second opinion';
  round: number;
  /** Of the whole soak, from 0 to 1. */
  done: number;
  /** Milliseconds until its end; null: not known. */
  leftMs: number | null;
  note: string;
  /** The step is over. */
  isOver: boolean;
}

/** How the service ended, if it did so by itself; null when it was stopped by us. */
export type Outcome = Ended | null;

/** About what rest, judgement and collection take, milliseconds: for the time left. */
const REST_MS = 1500;
/** After an interruption nobody waits for long. */
const HURRY_MS = 5000;

/** Throws `UserError` when the soak cannot be. One that proves nothing, or is interrupted, is no error: its log says so. */
export async function soakService(options: ServiceSoak): Promise<Outcome> {
  const { outcome, isStuck } = await soaked(options);
  if (outcome !== null) return outcome;
  await askOtherTools({
    ...{ soak: options, isStuck, clinic: options.clinic },
    drive: (round, signal) => drive(round, 0, signal, { ...options, onProgress: () => {} }),
    onBegin: (tool) => options.onProgress(step(options, 'second opinion', options.rounds, `asking ${tool}`)),
  });
  return null;
}

async function soaked(options: ServiceSoak): Promise<{ outcome: Outcome; isStuck: boolean }> {
  const urls = options.targets.map(({ url }) => url);
  await mustBeFree(urls);
  const control = await Control.open();
  const log = new LoadLog(options.folder, {
    kind: options.script ? 'script' : 'requests',
    targets: options.script ? [options.script.name] : options.targets.map(nameOf),
    connections: options.script ? 0 : options.connections,
    planned: options.rounds,
  });
  const program = await Program.start({
    command: options.command,
    folder: options.folder,
    log: 'service.log',
    control,
  }).catch((error: unknown) => {
    control.close();
    throw error;
  });
  let outcome: Outcome = null;
  let isStuck = false;
  try {
    options.onProgress(step(options, 'start', 0, `waiting for ${program.name}`));
    await ready(program, control.connected, urls, options).catch((error: unknown) => {
      if (!options.signal.aborted) throw error;
    });
    outcome = await runRounds(program, control, log, options);
  } finally {
    if (!program.hasEnded) options.onProgress(step(options, 'stop', options.rounds, `stopping ${program.name}`));
    isStuck = (await program.stop()) === 'killed';
    if (isStuck) {
      log.problems.push(`${program.name} did not end within 10 s of SIGTERM and was killed.`);
    }
    control.close();
    log.problems.push(...readSnapshots(options.folder).problems);
    removeSnapshots(options.folder);
    log.end();
  }
  return { outcome, isStuck };
}

async function runRounds(program: Program, control: Control, log: LoadLog, options: ServiceSoak): Promise<Outcome> {
  const { signal, rounds } = options;
  // the load ends with the service, or when the user has had enough
  const over = new AbortController();
  const all: Given[] = [];
  const end = () => over.abort();
  signal.addEventListener('abort', end);
  program.ended.then(end);
  try {
    for (let round = options.warmUpMs > 0 ? 0 : 1; round <= rounds && !signal.aborted; round++) {
      const startedMs = Date.now();
      const before = all.reduce((total, { requests }) => total + requests, 0);
      const given = await drive(round, before, over.signal, options);
      const endedMs = Date.now();
      const name = round === 0 ? 'warm-up' : 'round';
      const driven = endedMs - startedMs;
      options.onProgress(step(options, name, round, 'letting it settle', driven));
      const rest = program.hasEnded ? null : await atRest(control, round, signal, program);
      const isFirst = all.length === 0;
      if (rest && (isFirst || round === rounds)) {
        log.problems.push(...(await snapshots(control, round === rounds ? 'last' : 'first', program, options)));
      }
      log.round({ round, startedMs, endedMs, ...given, open: rest?.open ?? null, findings: rest?.findings ?? null });
      options.onProgress({ ...step(options, name, round, summary(given, rest), driven + REST_MS), isOver: true });
      if (program.hasEnded) {
        log.problems.push(
          `${program.name} ${howItEnded(program.hasEnded)} in ${round === 0 ? 'the warm-up' : `round ${round} of ${rounds}`}. ${program.lastWords()}.`,
        );
        return program.hasEnded;
      }
      all.push(given);
      const first = options.warmUpMs > 0 ? 0 : 1;
      const why = signal.aborted || options.script ? null : inVain(all, options.targets, first, round === rounds);
      if (why !== null) {
        log.problems.push(why);
        return null;
      }
    }
    if (signal.aborted) log.problems.push('The soak was interrupted.');
    return null;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

async function drive(round: number, before: number, signal: AbortSignal, options: ServiceSoak): Promise<Given> {
  const name = round === 0 ? 'warm-up' : 'round';
  if (options.script) {
    options.onProgress(step(options, name, round, options.script.name));
    return options.script.drive({ round, rounds: options.rounds, signal, targets: options.targets });
  }
  const began = performance.now();
  return load({
    ...options,
    durationMs: round === 0 ? options.warmUpMs : options.roundMs,
    isFailure: (status) => (options.expected.length > 0 ? !options.expected.includes(status) : status >= 400),
    before,
    signal,
    onTick: (answered) => {
      options.onProgress(
        step(options, name, round, `${answered.toLocaleString('en-US')} answers`, performance.now() - began),
      );
    },
  });
}

async function atRest(control: Control, round: number, signal: AbortSignal, program: Program) {
  const limit = signal.aborted ? HURRY_MS : undefined;
  const gone = program.ended.then(() => null);
  return Promise.race([control.roundEnded(round, limit), gone]).catch(() => null);
}

/** At the first rest and at the last one. A sentence each, the last time, on those that were not taken. */
async function snapshots(
  control: Control,
  name: SnapshotName,
  program: Program,
  { snapshotMaxMb, signal }: ServiceSoak,
): Promise<string[]> {
  if (snapshotMaxMb === 0 || signal.aborted) return [];
  const gone = program.ended.then((): string[] => []);
  const why = await Promise.race([takeSnapshots(control, name, snapshotMaxMb), gone]).catch((): string[] => []);
  return name === 'last' ? why : [];
}

function summary(given: Given, rest: Pick<LoadRound, 'open' | 'findings'> | null): string {
  const failed = given.targets.reduce((total, target) => total + target.failed, 0) + given.errors;
  const parts = [`${given.requests.toLocaleString('en-US')} answers`];
  if (failed > 0) parts.push(`${failed.toLocaleString('en-US')} failed`);
  if (given.latency) parts.push(`p99 ${given.latency.p99} ms`);
  parts.push(rest ? `${rest.open} open at rest, ${rest.findings} found` : 'not judged');
  return parts.join(', ');
}

/** Where the soak is, `elapsedMs` into the step. */
function step(options: ServiceSoak, name: Step['name'], round: number, note: string, elapsedMs = 0): Step {
  const { rounds, roundMs, warmUpMs } = options;
  const warmUp = warmUpMs > 0 ? warmUpMs + REST_MS : 0;
  const total = warmUp + rounds * (roundMs + REST_MS);
  const before = {
    start: 0,
    stop: total,
    'second opinion': total,
    'warm-up': 0,
    round: warmUp + (round - 1) * (roundMs + REST_MS),
  }[name];
  const leftMs = options.script ? null : Math.max(0, total - before - elapsedMs);
  const done = options.script
    ? name === 'stop' || name === 'second opinion'
      ? 1
      : round / (rounds + 1)
    : (before + elapsedMs) / total;
  return { name, round, done: Math.min(1, done), leftMs, note, isOver: false };
}
