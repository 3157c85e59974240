/** The report of a run, once it is known what was found in it. */
import path from 'node:path';
import { endingOf } from './ending.ts';
import type { Notice, Recording, Unseen } from './format.ts';
import type { Load } from './load.ts';
import { missingIn, unseenProcesses } from './missing.ts';
import { makeFolder, writeOwn } from './own.ts';
import {
  type Finding,
  type Keeper,
  REPORT_SCHEMA,
  type Report,
  type ReportProcess,
  type ScopeTotals,
  type Watched,
} from './report.ts';

export interface Found extends Pick<Report, 'findings' | 'withdrawn' | 'open'> {
  /** Of a process that was ended by force. */
  keptAliveBy(recording: Recording): Keeper[];
}

export function storeReport(folder: string, report: Report): void {
  makeFolder(folder);
  writeOwn(path.join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
}

/** `soaked`: what load was given, and what that leaves unseen. */
export function assemble(
  recordings: readonly Recording[],
  found: Found,
  problems: readonly string[],
  soaked: { load: Load; unseen: readonly Unseen[] } | null,
): Report {
  const { findings, withdrawn, open } = found;
  const unseen = [...unseenIn(recordings), ...(soaked?.unseen ?? [])];
  return {
    schema: REPORT_SCHEMA,
    verdict: verdictOf(findings, unseen),
    processes: recordings.map((recording) => processOf(recording, recordings, found)),
    ...{ findings, withdrawn },
    watched: watchedIn(recordings),
    ...{ open, unseen },
    scopes: scopesIn(recordings),
    notices: noticesIn(recordings),
    load: soaked?.load ?? null,
    settings: recordings[0]?.process.settings ?? {},
    dropped: droppedIn(recordings),
    problems: [...problems, ...recordings.flatMap((recording) => recording.problems), ...missingIn(recordings)],
  };
}

function verdictOf(findings: readonly Finding[], unseen: readonly Unseen[]): Report['verdict'] {
  if (findings.some(({ certainty }) => certainty !== 'suspect')) return 'leak';
  if (findings.length > 0) return 'suspect';
  return unseen.length > 0 ? 'inconclusive' : 'clean';
}

/** Each once, whichever process says it. */
function unseenIn(recordings: readonly Recording[]): Unseen[] {
  const all = [...recordings.flatMap(({ unseen }) => unseen), ...unseenProcesses(recordings)];
  return [...new Map(all.map((each) => [`${each.what} ${each.why}`, each])).values()];
}

function processOf(recording: Recording, all: readonly Recording[], { keptAliveBy }: Found): ReportProcess {
  const { process: line, end, cost, lastAt, adapters, unsupported } = recording;
  const ending = endingOf(recording, all);
  return {
    pid: line.pid,
    parent: line.parent,
    thread: line.thread,
    host: line.host,
    node: line.node,
    argv: line.argv,
    started: new Date(line.startedMs).toISOString(),
    ...(line.late && { late: true }),
    release: line.release ?? null,
    ended: ending.end === 'running' ? null : new Date(line.startedMs + lastAt).toISOString(),
    ...ending,
    heapLimit: line.heapLimit ?? null,
    adapters,
    unsupported,
    cost: { cpuMs: cost?.cpuMs ?? 0, share: cost?.share ?? 0, forcedGc: cost?.forcedGc ?? 0 },
    faults: cost?.faults ?? 0,
    keptAliveBy: end === null || end.end === 'signal' ? keptAliveBy(recording) : [],
  };
}

/** One trap in several processes is one notice, with the words of the latest of them; most frequent first. */
function noticesIn(recordings: readonly Recording[]): Notice[] {
  const byKey = new Map<string, Notice>();
  for (const { notices } of recordings) {
    for (const [key, { library, pool, name, count, sentence, remedy }] of notices) {
      const before = byKey.get(key)?.count ?? 0;
      byKey.set(key, { library, pool, name, count: before + count, sentence, remedy });
    }
  }
  return [...byKey.values()].sort((a, b) => b.count - a.count);
}

function scopesIn(recordings: readonly Recording[]): ScopeTotals[] {
  const byName = new Map<string, ScopeTotals>();
  for (const { name, kind, began, ended, failed } of recordings.flatMap(({ scopes }) => scopes)) {
    const key = `${kind} ${name}`;
    const known = byName.get(key) ?? { name, kind, began: 0, ended: 0, failed: 0 };
    known.began += began;
    known.ended += ended;
    known.failed += failed;
    byName.set(key, known);
  }
  return [...byName.values()].sort((a, b) => b.ended - a.ended);
}

function watchedIn(recordings: readonly Recording[]): Watched[] {
  const byLibrary = new Map<string, Watched>();
  for (const { totals } of recordings) {
    for (const [, kind, library, , acquired, released] of totals) {
      const key = `${kind} ${library}`;
      const watched = byLibrary.get(key) ?? { kind, library, acquired: 0, released: 0 };
      watched.acquired += acquired;
      watched.released += released;
      byLibrary.set(key, watched);
    }
  }
  // a connection that turns out to be a pool's is counted there alone
  return [...byLibrary.values()].filter(({ acquired }) => acquired > 0).sort((a, b) => b.acquired - a.acquired);
}

/** Lines that were left out, by type. */
function droppedIn(recordings: readonly Recording[]): Record<string, number> {
  const dropped: Record<string, number> = {};
  for (const { cost } of recordings) {
    for (const [what, count] of Object.entries(cost?.dropped ?? {})) dropped[what] = (dropped[what] ?? 0) + count;
  }
  return dropped;
}

/** Of a process and all that it started; parents are older than their children. */
export function startedBy(recordings: readonly Recording[], pid: number): Recording[] {
  const pids = new Set([pid]);
  for (const { process } of recordings) if (pids.has(process.parent)) pids.add(process.pid);
  return recordings.filter(({ process }) => pids.has(process.pid));
}
