/** Which operations are to fail: each once per call site. */
import type { Call, Fault, FaultKind, Left, Place } from '../../probe/control/inject/injector.ts';
import { Sources } from '../../probe/recording/source.ts';

export interface Point {
  fault: Fault;
  /** In the source that people read. */
  site: Place & { function: string };
  /** Who called or awaited that there, the nearest first. */
  callers: readonly Place[];
  /** How many there are at that line in a turn. */
  of: number;
  /** Begins with the program: only a fresh one reaches it again. */
  atStart: boolean;
}

/** The same call from the same place, in a loop, fails the first and the second time. */
const MOST_PER_STACK = 2;

/** Where what was executed stands in the source that people read. */
export type Original = <P extends Place>(place: P) => P;

export function pointsOf(calls: readonly Call[], atStart: boolean, original: Original = onDisk()): Point[] {
  const perLine = new Map<string, number>();
  const perStack = new Map<string, number>();
  const points: Point[] = [];
  for (const { kind, frame, callers, stack } of calls) {
    const ordinal = count(perLine, placeOf(kind, frame));
    if (count(perStack, `${kind} ${stack}`) > MOST_PER_STACK) continue;
    const { file, line, column, function: name } = original(frame);
    const fault = { kind, file: frame.file, line: frame.line, column: frame.column, ordinal };
    const site = { file, line, column, function: name };
    points.push({ fault, site, callers: callers.map((each) => original(each)), of: 0, atStart });
  }
  return points.map((point) => ({ ...point, of: perLine.get(placeOf(point.fault.kind, point.fault)) ?? 1 }));
}

function onDisk(): Original {
  const sources = new Sources();
  return (place) => sources.original(place);
}

function placeOf(kind: FaultKind, { file, line, column }: Place): string {
  return `${kind} ${file}:${line}:${column}`;
}

function count(counts: Map<string, number>, key: string): number {
  const number = (counts.get(key) ?? 0) + 1;
  counts.set(key, number);
  return number;
}

/** What is left beyond `usual`, line by line. */
export function beyond(left: readonly Left[], usual: readonly Left[]): Left[] {
  return left.flatMap((own) => {
    const other = usual.find((each) => keyOf(each) === keyOf(own))?.count ?? 0;
    return own.count > other ? [{ ...own, count: own.count - other }] : [];
  });
}

/** Those of `left` that are in `others` too. */
export function common(left: readonly Left[], others: readonly Left[]): Left[] {
  const keys = new Set(others.map(keyOf));
  return left.filter((own) => keys.has(keyOf(own)));
}

function keyOf({ kind, library, frame }: Left): string {
  return `${kind} ${library} ${frame && `${frame.file}:${frame.line}:${frame.column}`}`;
}
