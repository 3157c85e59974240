/** What both ends of a recording tell, without reading what stands between them: it may be large. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import path from 'node:path';
import { isObject } from './check.ts';
import { isAlive } from './missing.ts';
import { ownerOf } from './owner.ts';
import { openRegular } from './readable.ts';

export interface Glance {
  pid: number;
  /** Its process said its last, or whoever started it did. */
  hasEnded: boolean;
  /** … or is still there, on this machine. */
  isRunning: boolean;
  /** Nobody who was watched started it. */
  isOutermost: boolean;
  /** What was started: command line and working directory. */
  program: string;
  /** Milliseconds since 1970; the end is the last that was written. */
  startedMs: number;
  endedMs: number;
}

/** Bytes at each end: more than a line. */
const END = 256 * 1024;

/** Null when it is no recording. */
export function glance(file: string): Glance | null {
  const ends = endsOf(file);
  const first = ends && firstObject(ends.head.split('\n', 2));
  if (!first) return null;
  const last = firstObject(ends.tail.split('\n').reverse());
  const named = ownerOf(path.basename(file));
  const pid = numberOr(first.pid, named?.pid ?? 0);
  const startedMs = numberOr(first.startedMs, named?.startedMs ?? 0);
  const hasEnded = last?.t === 'end' || last?.t === 'died';
  const isRunning = pid > 0 && !hasEnded && isAlive(pid, String(first.host));
  return {
    ...{ pid, hasEnded, isRunning, startedMs },
    isOutermost: first.parent === 0 && first.thread === 0,
    program: JSON.stringify([first.argv, first.cwd]),
    endedMs: isRunning ? Date.now() : startedMs + numberOr(last?.at, 0),
  };
}

function endsOf(file: string): { head: string; tail: string } | null {
  let descriptor: number | null = null;
  try {
    descriptor = openRegular(file);
    const { size } = fstatSync(descriptor);
    const read = (from: number): string => {
      const buffer = Buffer.alloc(Math.min(END, size));
      return buffer.toString('utf8', 0, readSync(descriptor as number, buffer, 0, buffer.length, from));
    };
    return { head: read(0), tail: read(Math.max(0, size - END)) };
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function firstObject(lines: readonly string[]): Record<string, unknown> | null {
  for (const line of lines) {
    try {
      const value: unknown = JSON.parse(line);
      if (isObject(value)) return value;
    } catch {
      // torn
    }
  }
  return null;
}

function numberOr(value: unknown, other: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : other;
}
