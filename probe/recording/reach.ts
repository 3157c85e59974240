/**
 * What a heap snapshot told of the resources of a recording: who can still reach them, and who holds them. Written beside
 * the recording, as `<recording>.reach.json`, by the process that read the snapshot (see heap/); the report takes it in.
 */
import { isObject, listOf, number, shape, text } from './check.ts';
import type { Frame, RecordedFinding } from './format.ts';
import { NATURES } from './natures.ts';
import { writeOwn } from './own.ts';
import { packageOf } from './packages.ts';
import { textOf } from './readable.ts';

/** Of the resources of one line. */
export interface ReachOfLine {
  /** As a finding's. */
  key: string;
  /** How many were looked at, and how many of them nothing but machinery holds. */
  marked: number;
  unreachable: number;
  /** Who holds the others, in words, most frequent first. */
  held: string[];
}

/** What there was more of, at the end of a soak than at its beginning. */
export interface Grown {
  /** Class, or the name that V8 has for it. */
  name: string;
  /** How many more there are, and how many bytes they have themselves. */
  count: number;
  bytes: number;
  /** Who holds some of them, in words, most bytes first. */
  held: string[];
}

/** What was there at the beginning of a soak, and holds what is new at its end. */
export interface Holder {
  /** In words, the nearest last. */
  held: string;
  /** How many are new right beneath it, and bytes with all that they hold. */
  count: number;
  bytes: number;
  /** Lines that add to it, as far as the source shows them. */
  lines: { file: string; line: number; column: number }[];
}

export interface ReachReport {
  lines: ReachOfLine[];
  /** Most bytes first; empty where two snapshots could not be compared. */
  grown: Grown[];
  /** Most bytes first. */
  holders: Holder[];
}

const isReport = shape({
  lines: listOf(shape({ key: text, marked: number, unreachable: number, held: listOf(text) })),
  grown: listOf(shape({ name: text, count: number, bytes: number, held: listOf(text) })),
  holders: listOf(
    shape({
      ...{ held: text, count: number, bytes: number },
      lines: listOf(shape({ file: text, line: number, column: number })),
    }),
  ),
});

/** Ids of sites that no stack was taken of count down from here. */
const FIRST_SITE = -100;

/** Of the holder at this index. */
export function siteOfHolder(index: number): number {
  return FIRST_SITE - index;
}

/** Of the one line that adds to it; null where there are several, or none is known. */
export function stackOf({ lines: [line, ...others] }: Holder): Frame[] | null {
  if (line === undefined || others.length > 0) return null;
  return [{ ...line, function: '', user: packageOf(line.file) === null }];
}

function reachFileOf(recording: string): string {
  return recording.replace(/\.jsonl$/, '.reach.json');
}

export function writeReach(recording: string, report: ReachReport): void {
  writeOwn(reachFileOf(recording), `${JSON.stringify(report)}\n`);
}

/** Null where no snapshot was read, or what was written cannot be. */
export function readReach(recording: string): ReachReport | null {
  try {
    const report: unknown = JSON.parse(textOf(reachFileOf(recording)) ?? 'null');
    return isObject(report) && isReport(report) ? (report as unknown as ReachReport) : null;
  } catch {
    return null;
  }
}

/** A finding with what is known of who can reach it. */
export function withReach(
  finding: RecordedFinding,
  reach: ReachOfLine | undefined,
): RecordedFinding & { held: string[] } {
  if (!reach) return { ...finding, held: [] };
  const { marked, unreachable, held } = reach;
  // what ends by being collected, and nobody reaches, is about to
  if (unreachable === 0 || NATURES[finding.nature].ends === 'collected') return { ...finding, held };
  const sentence = `In a heap snapshot nobody could reach ${unreachable} of the ${marked} that were open here: only lists of its library's or Node's own held ${unreachable === 1 ? 'it' : 'them'}.`;
  const evidence = [sentence, ...finding.evidence];
  if (finding.certainty === 'proven' || finding.site === -1) return { ...finding, evidence, held };
  // an interval may be meant to run for ever, and nobody need hold it: that it recurs must be known, too
  const mustComeBack = NATURES[finding.nature].ends === 'given back';
  if (finding.certainty === 'suspect' && !mustComeBack) return { ...finding, evidence, held };
  return { ...finding, detector: 'unreachable', certainty: 'proven', evidence, held };
}
