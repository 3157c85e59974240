/**
 * What a soak did to the service: `load.jsonl` beside the recordings, append-only like them, written by the soak as it
 * goes. A report without it is of a run that nobody soaked.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Check, isObject, listOf, maybe, number, oneOf, recordOf, shape, text, time } from './check.ts';
import { readLines } from './lines.ts';

export const LOAD_FILE = 'load.jsonl';
export const LOAD_SCHEMA = 'outlive.load/1';

const LOAD_KINDS = ['requests', 'commands', 'script', 'faults'] as const;
export type LoadKind = (typeof LOAD_KINDS)[number];
const FAULT_KINDS = ['query', 'connect', 'request'] as const;
const FAULT_OUTCOMES = ['returned', 'leaks', 'dies', 'hangs', 'varies', 'missed'] as const;

/** First line. */
export interface LoadLine {
  t: 'load';
  schema: typeof LOAD_SCHEMA;
  kind: LoadKind;
  /** What was asked for: `POST http://127.0.0.1:3000/orders`, a command, a script. Masked. */
  targets: string[];
  /** Clients at once; 0: not known. */
  connections: number;
  /** Rounds that were to be, without the warm-up. */
  planned: number;
}

/** What one target answered in one round. */
export interface TargetCount {
  /** Index into `targets`. */
  target: number;
  /** Answers by status; for commands by exit code or signal. */
  statuses: Record<string, number>;
  /** How many of them count as failed. */
  failed: number;
}

export interface LoadRound {
  t: 'round';
  /** 0: the warm-up. */
  round: number;
  /** Wall clock, milliseconds since 1970. */
  startedMs: number;
  endedMs: number;
  requests: number;
  targets: TargetCount[];
  /** Requests that got no answer: refused, reset, timed out. */
  errors: number;
  /** Milliseconds; null where it was not measured. */
  latency: { p50: number; p99: number; max: number } | null;
  /** At rest after the round: open resources, and findings that stand. Null where nobody could be asked. */
  open: number | null;
  findings: number | null;
}

/** An operation that was made to fail, and what came of it. */
export interface LoadFault {
  t: 'fault';
  kind: (typeof FAULT_KINDS)[number];
  /** The line that asked for it, in the source that people read. */
  site: { file: string; line: number; column: number; function: string };
  /** Which one at that line in a turn, from 1. */
  ordinal: number;
  /**
   * `returned`: all came back; `leaks`: something stays open if and only if it fails; `dies`: the service ended;
   * `hangs`: a request was never answered; `varies`: something stayed open, but not each time; `missed`: it was not
   * reached again.
   */
  outcome: (typeof FAULT_OUTCOMES)[number];
  /** One plain sentence; of a leak also among its finding's evidence. */
  sentence: string;
  /** A test that fails as long as it leaks, relative to the report's folder. */
  test: string | null;
}

/** A change that was tried out, so that a fault would leave nothing open any more. */
export interface LoadMend {
  t: 'mend';
  /** Which of the faults above, from 0. */
  fault: number;
  /** As `git apply` takes it; null where none is proven. */
  diff: string | null;
  /** What proves it, or why there is none. */
  sentence: string;
}

/** Last line; its absence means that the soak itself was killed. */
export interface LoadEndLine {
  t: 'end';
  /** Why the soak ended before its time, or what else went wrong; plain sentences. */
  problems: string[];
}

export type LoadLines = LoadLine | LoadRound | LoadFault | LoadMend | LoadEndLine;

/** As `report.json` has it. */
export interface Load extends Omit<LoadLine, 't' | 'schema'> {
  rounds: Omit<LoadRound, 't'>[];
  faults: (Omit<LoadFault, 't'> & { fix: Omit<LoadMend, 't' | 'fault'> | null })[];
}

/** Null when the run in `folder` was not soaked; sentences on what is missing go to `problems`. */
export function readLoad(folder: string, problems: string[]): Load | null {
  const file = path.join(folder, LOAD_FILE);
  if (!existsSync(file)) return null;
  const lines: LoadLines[] = [];
  const unreadable = readLines(file, isSound, (line) => lines.push(line) > 0);
  if (unreadable !== null) problems.push(unreadable);
  const [first] = lines;
  if (first?.t !== 'load' || first.schema !== LOAD_SCHEMA) {
    problems.push(`${LOAD_FILE} is not of format ${LOAD_SCHEMA}; what load was given is not known.`);
    return null;
  }
  const { t: _, schema: __, ...load } = first;
  const rounds = lines.flatMap((line) => (line.t === 'round' ? [withoutTag(line)] : []));
  const end = lines.find((line) => line.t === 'end');
  problems.push(...(end?.problems ?? ['The soak was killed before its end.']), ...failuresIn(first, rounds));
  const fixes = new Map(
    lines.flatMap((line) => (line.t === 'mend' ? [[line.fault, { diff: line.diff, sentence: line.sentence }]] : [])),
  );
  const faults = lines
    .flatMap((line) => (line.t === 'fault' ? [withoutTag(line)] : []))
    .map((fault, index) => ({ ...fault, fix: fixes.get(index) ?? null }));
  return { ...load, rounds, faults };
}

const SOUND: Readonly<Record<LoadLines['t'], Check>> = {
  load: shape({ kind: oneOf(LOAD_KINDS), targets: listOf(text), connections: number, planned: number }),
  round: shape({
    ...{ round: number, startedMs: time, endedMs: time, requests: number, errors: number },
    targets: listOf(shape({ target: number, statuses: recordOf(number), failed: number })),
    latency: maybe(shape({ p50: number, p99: number, max: number })),
    ...{ open: maybe(number), findings: maybe(number) },
  }),
  fault: shape({
    kind: oneOf(FAULT_KINDS),
    site: shape({ file: text, line: number, column: number, function: text }),
    ...{ ordinal: number, outcome: oneOf(FAULT_OUTCOMES), sentence: text, test: maybe(text) },
  }),
  mend: shape({ fault: number, diff: maybe(text), sentence: text }),
  end: shape({ problems: listOf(text) }),
};

/** A file may be cut off, edited, or of another program. */
function isSound(line: unknown): line is LoadLines {
  return isObject(line) && typeof line.t === 'string' && Object.hasOwn(SOUND, line.t)
    ? SOUND[line.t as LoadLines['t']](line)
    : false;
}

function withoutTag<T extends LoadRound | LoadFault>({ t: _, ...line }: T): Omit<T, 't'> {
  return line;
}

/** What failed, where not all did: of those see `unseenIn` in unseen-load.ts. */
function failuresIn({ targets: names, kind }: LoadLine, rounds: readonly Omit<LoadRound, 't'>[]): string[] {
  const sentences = names.flatMap((name, index) => {
    const { answers, failed, list } = answersOf(rounds, index);
    if (failed === 0 || failed === answers) return [];
    const what = kind === 'commands' ? 'runs' : 'answers';
    return [`${grouped(failed)} of ${grouped(answers)} ${what} of ${name} failed (${list}).`];
  });
  const lost = sum(rounds.map(({ errors }) => errors));
  return lost === 0
    ? sentences
    : [...sentences, `${grouped(lost)} requests got no answer: refused, reset or timed out.`];
}

/** Of one target in all rounds; `list`: `12 × 500, 3 × 200`. */
export function answersOf(
  rounds: readonly Omit<LoadRound, 't'>[],
  index: number,
): { answers: number; failed: number; list: string } {
  const counts = rounds.flatMap(({ targets }) => targets.filter(({ target }) => target === index));
  const statuses: Record<string, number> = {};
  for (const [status, count] of counts.flatMap((each) => Object.entries(each.statuses))) {
    statuses[status] = (statuses[status] ?? 0) + count;
  }
  const list = Object.entries(statuses).map(([status, count]) => `${grouped(count)} × ${status}`);
  return {
    answers: sum(Object.values(statuses)),
    failed: sum(counts.map((count) => count.failed)),
    list: list.join(', '),
  };
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
