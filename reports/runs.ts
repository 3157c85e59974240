/**
 * Which recordings a folder stands for: those in it, and below it. Workers that a process manager started each have a
 * folder of their own; those that ran at the same time are one run.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { glance } from '../probe/recording/glance.ts';
import { ownerOf } from '../probe/recording/owner.ts';
import { isRecording } from '../probe/recording/reader.ts';

export interface Chosen {
  folders: string[];
  /** Which they are, where there was a choice; one plain sentence. */
  sentence: string | null;
}

/** How things are at both ends of a folder's recordings; milliseconds since 1970. */
interface Start {
  folder: string;
  /** What was started: command line and working directory. */
  program: string;
  startedMs: number;
  endedMs: number;
}

const MOST_FOLDERS = 10_000;
const DEEPEST = 6;
const MOST_NAMES = 5;

/** `folder` itself where there is nothing below it either: reading it says what is wrong. */
export function runsIn(folder: string): Chosen {
  const starts = foldersBelow(folder).flatMap((each) => startOf(each) ?? []);
  starts.sort((a, b) => b.startedMs - a.startedMs);
  const own = startOf(folder, true);
  const taken = own ? [own, ...alongside(own, starts)] : newestOfEach(starts);
  taken.sort((a, b) => a.startedMs - b.startedMs);
  if (taken.length === 0) return { folders: [folder], sentence: null };
  const left = starts.length + (own ? 1 : 0) - taken.length;
  return { folders: taken.map((start) => start.folder), sentence: sentenceOf(folder, taken, left) };
}

/** `starts`: newest first. */
function newestOfEach(starts: readonly Start[]): Start[] {
  const programs = new Set(starts.map(({ program }) => program));
  return [...programs].flatMap((program) => {
    const [newest, ...older] = starts.filter((start) => start.program === program);
    return newest ? [newest, ...alongside(newest, older)] : [];
  });
}

/** Of those that are ordered by their start, newest first: which ran while `first`, or one of themselves, did. */
function alongside(first: Start, starts: readonly Start[]): Start[] {
  const taken: Start[] = [];
  let { startedMs, endedMs } = first;
  for (const start of starts) {
    if (start.endedMs < startedMs || start.startedMs > endedMs) continue;
    taken.push(start);
    startedMs = Math.min(startedMs, start.startedMs);
    endedMs = Math.max(endedMs, start.endedMs);
  }
  return taken;
}

function sentenceOf(folder: string, taken: readonly Start[], left: number): string | null {
  if (taken.length === 1 && (left === 0 || taken[0]?.folder === folder)) return null;
  const names = taken.map((start) => path.relative(folder, start.folder) || '.');
  const rest = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const list = names.slice(0, MOST_NAMES).join(', ') + rest;
  const others =
    left === 0 ? '' : `; ${left} earlier ${left === 1 ? 'run' : 'runs'} there ${left === 1 ? 'is' : 'are'} left out`;
  return taken.length === 1
    ? `Of the runs in ${folder} this is the newest, ${list}${others}.`
    : `The newest runs of each program in ${folder} are read as one: ${list}${others}.`;
}

/** Without links: what they lead to lies there anyway, or elsewhere. */
function foldersBelow(folder: string): string[] {
  const found: string[] = [];
  const queue = [{ at: folder, depth: 0 }];
  for (let next = queue.shift(); next && found.length < MOST_FOLDERS; next = queue.shift()) {
    if (next.depth >= DEEPEST) continue;
    for (const name of subfolders(next.at)) {
      const below = path.join(next.at, name);
      found.push(below);
      queue.push({ at: below, depth: next.depth + 1 });
    }
  }
  return found;
}

function subfolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const isSearched = (name: string) => name !== 'node_modules' && name !== '.git';
    return entries.filter((entry) => entry.isDirectory() && isSearched(entry.name)).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Null when it holds no recording. `isLoose`: of any name; else only those that are named as ours are. */
function startOf(folder: string, isLoose = false): Start | null {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => (isLoose ? isRecording(name) : ownerOf(name) !== null));
  } catch {
    return null;
  }
  const processes = names.flatMap((name) => glance(path.join(folder, name)) ?? []);
  const outermost = processes.filter(({ isOutermost }) => isOutermost);
  const [first] = (outermost.length > 0 ? outermost : processes).sort((a, b) => a.startedMs - b.startedMs);
  if (!first) return isLoose && names.length > 0 ? { folder, program: '', startedMs: 0, endedMs: 0 } : null;
  return {
    folder,
    program: first.program,
    startedMs: Math.min(...processes.map(({ startedMs }) => startedMs)),
    endedMs: Math.max(...processes.map(({ endedMs }) => endedMs)),
  };
}
