/** The wording that all reports share: nouns, numbers, paths. */
import { basename, isAbsolute, relative } from 'node:path';
import type { Kind } from '../probe/recording/format.ts';
import type { Report, ReportProcess, Watched } from '../probe/recording/report.ts';

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
  memory: ['MB of memory', 'MB of memory'],
};

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

/** `340 ms`, `4.2 s`, `12 s`, `12 min 4 s`, `3 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${number(ms / 1000)} s`;
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

/** Where requests are scopes though Node makes that dear; null where it is nearly free, or not done. */
export function costOfScopes({ settings, processes }: Report): string | null {
  const dear = processes.find(({ node }) => Number(/^v(\d+)/.exec(node)?.[1]) < 24);
  if (settings.scopes !== 'on' || !dear) return null;
  return `requests are scopes, which costs more before Node 24: OUTLIVE_SCOPES=off goes without`;
}

/** The path from `cwd` when the file lies inside it, else the file as it is. */
export function pathFrom(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** `18,440 acquired, 18,425 released`. */
export function watchedCounts({ acquired, released }: Watched): string {
  return `${number(acquired)} acquired, ${number(released)} released`;
}

/** `pg connections`. */
export function watchedName({ kind, library }: Watched, count: number): string {
  return [library, noun(count, kind)].filter(Boolean).join(' ');
}

/** The process that started all others. */
export function outermost(report: Report): ReportProcess | undefined {
  return report.processes.find((process) => process.parent === 0 && process.thread === 0) ?? report.processes[0];
}

/** `Process 17 thread 2`; where a collector's logs do not say which one it is, of which service. */
export function processName({
  pid,
  thread,
  argv,
  host,
}: Pick<ReportProcess, 'pid' | 'thread' | 'argv' | 'host'>): string {
  if (pid === 0) return `A process of ${argv[0]}${host && ` on ${host}`}`;
  return `Process ${pid}${thread ? ` thread ${thread}` : ''}`;
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
