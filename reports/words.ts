/** The wording that all reports share: nouns, numbers, and what a certainty or detector means in plain sentences. */
import { basename, isAbsolute, relative } from 'node:path';
import type { Certainty, Detector, Kind, ScopeShare } from '../probe/recording/format.ts';
import type { Finding, Report, ReportProcess } from '../probe/recording/report.ts';

const NOUNS: Record<Kind, [one: string, many: string]> = {
  connection: ['connection', 'connections'],
  timer: ['timer', 'timers'],
  socket: ['socket', 'sockets'],
  server: ['server', 'servers'],
  worker: ['worker', 'workers'],
  port: ['port', 'ports'],
  'child-process': ['child process', 'child processes'],
  watcher: ['watcher', 'watchers'],
  listener: ['listener', 'listeners'],
  stream: ['stream', 'streams'],
  context: ['native context', 'native contexts'],
  promise: ['promise', 'promises'],
  memory: ['object', 'objects'],
};

export const MARKS: Record<Certainty, string> = { proven: '●', likely: '◐', suspect: '○' };

/** What each certainty claims. */
export const CERTAINTY_MEANS: Record<Certainty, string> = {
  proven: 'Proven: nothing left in the program can give it back.',
  likely: 'Likely: it should have been given back by now, and the pattern repeats.',
  suspect: 'Suspect: unusual for this line, but it may still be given back. Look before you change anything.',
};

/** How each detector knows. */
export const DETECTOR_MEANS: Record<Detector, string> = {
  collected: 'The object needed to release it was garbage-collected while it was still open.',
  'retained-by-pool-only': 'In a heap snapshot only its pool still refers to it.',
  'outlived-scope': 'The run or request that took it has ended, and it is still open.',
  'flow-ended': 'The chain of callbacks that took it is gone, and it is open and idle.',
  superseded: 'The same flow took and returned later ones at this line while this one stayed.',
  growth: 'The number left open at this line rises with every round of equal work.',
  'held-too-long': 'It has been held far longer than this line usually holds one.',
  'hold-and-wait': 'Its holder waits for another from the same exhausted pool.',
  'pool-exhausted': 'An acquire timed out because every one was taken.',
};

const ADVICE: Record<Kind, string> = {
  connection: 'Release it in a finally block, so that no error or early return in between can skip it.',
  timer: 'Keep its handle, and clear it when the work that needs it ends.',
  socket: 'End or destroy it on every path, also after errors and time-outs.',
  server: 'Close it when its owner ends.',
  worker: 'Terminate it when its work is done, also after errors.',
  port: 'Close it when both sides are done.',
  'child-process': 'Wait for its exit, and kill it when its owner ends first.',
  watcher: 'Close it when its owner ends.',
  listener: 'Remove it when its owner ends, or add it with { once: true } or an AbortSignal.',
  stream: 'Destroy it on every path; pipeline() from node:stream/promises does.',
  context: 'Drop what outlives the run and refers into its context: caches, listeners, timers.',
  promise: 'Settle it on every path, or give its wait a time limit.',
  memory: 'Bound what keeps them: a cache without a limit, a list that only grows.',
};

/** What to change, in one sentence. */
export function advice(finding: Finding): string {
  if (finding.detector === 'hold-and-wait') return 'Take what one flow needs in one acquire, or pass its lease along.';
  if (finding.detector === 'pool-exhausted') return 'See who holds the pool, and since when, before making it larger.';
  const change = ADVICE[finding.kind];
  return finding.certainty === 'suspect' ? `See whether it is given back later. If not: ${change}` : change;
}

export function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

/** `1 connection`, `1,200 connections`. */
export function amount(count: number, kind: Kind): string {
  return `${number(count)} ${noun(count, kind)}`;
}

export function noun(count: number, kind: Kind): string {
  return NOUNS[kind][count === 1 ? 0 : 1];
}

/** `1 leak`, `2 leaks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** `340 ms`, `12 s`, `12 min 4 s`, `3 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** `0.4 %` of a share between 0 and 1; what is there but tiny is not called zero. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return '< 0.1 %';
  return `${number(share * 100)} %`;
}

/** The path from `cwd` when the file lies inside it, else the file as it is. */
export function pathFrom(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** `src/orders.ts:12`, or the words that stand for a line nobody could tell. */
export function place(finding: Finding, name: (file: string) => string = (file) => basename(file)): string {
  return finding.site ? `${name(finding.site.file)}:${finding.site.line}` : 'An unknown line';
}

/** `connection · pg pool "orders"`. */
export function subject(finding: Finding): string {
  const owner = finding.pool === null ? finding.library : `${finding.library} pool "${finding.pool}"`;
  return owner ? `${NOUNS[finding.kind][0]} · ${owner}` : NOUNS[finding.kind][0];
}

/** `14 leaked`; of a suspect only what is known. */
export function open(finding: Finding): string {
  return `${number(finding.count)} ${finding.certainty === 'suspect' ? 'still held' : 'leaked'}`;
}

/** `200 acquired · 186 released · 14 leaked`. */
export function tally(finding: Finding): string {
  const about = finding.estimated ? 'about ' : '';
  const counts = [`${number(finding.acquired)} acquired`, `${number(finding.released)} released`];
  return `${about}${finding.acquired ? `${counts.join(' · ')} · ` : ''}${open(finding)}`;
}

/** `14 of 200 runs of rules`, `3 of 90 POST /orders requests`. */
export function shareOf(scope: ScopeShare): string {
  const of = `${number(scope.leaked)} of ${number(scope.ended)}`;
  return /^[A-Z]+ \//.test(scope.name) ? `${of} ${scope.name} requests` : `${of} runs of ${scope.name}`;
}

export function scopeSentence(scope: ScopeShare): string {
  return scope.failedWith
    ? `${shareOf(scope)}, all of which failed with ${scope.failedWith}; no other did`
    : shareOf(scope);
}

/** The process that started all others. */
export function outermost(report: Report): ReportProcess | undefined {
  return report.processes.find((process) => process.parent === 0 && process.thread === 0) ?? report.processes[0];
}

/** `node src/server.js --port 3000`: argv as a person would type it. */
export function command(process: { argv: string[] }, cwd: string): string {
  const [program = '', ...args] = process.argv;
  return [basename(program), ...args.map((arg) => pathFromArgument(cwd, arg))].join(' ');
}

function pathFromArgument(cwd: string, argument: string): string {
  return isAbsolute(argument) ? pathFrom(cwd, argument) : argument;
}

/** Control characters and text-direction overrides made visible: service text cannot steer a terminal or a reader. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\n' || character === '\t'
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
