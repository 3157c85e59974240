/** How many were open at a finding's line, over the run. */
import type { Point, Recording } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import { through } from '../probe/recording/through.ts';
import { matterOf } from './matter.ts';

/** A step: from `at` (milliseconds since 1970) on there were so many. */
export type Step = readonly [at: number, open: number];

/** Oldest first; a finding that the recordings do not tell it of, as of a whole pool, is not in the map. */
export function heldOverTime(
  findings: readonly Finding[],
  recordings: readonly Recording[],
): ReadonlyMap<Finding, readonly Step[]> {
  const sources = Sources.of(recordings);
  const steps = findings.map((finding) => [finding, stepsOf(finding, recordings, sources)] as const);
  return new Map(steps.filter(([, each]) => each.length > 1));
}

function stepsOf(finding: Finding, recordings: readonly Recording[], sources: Sources): Step[] {
  const { site, kind, library } = finding;
  if (!site || matterOf(finding) !== 'resource') return [];
  const changes = recordings.flatMap((recording) =>
    through(recording, { kind, library, site }, sources).flatMap(({ open }, row) =>
      open.flatMap((point) => changesOf(point, `${recording.file} ${row}`, recording.process.startedMs)),
    ),
  );
  changes.sort((a, b) => a.at - b.at);
  const latest = new Map<string, number>();
  const steps: Step[] = [];
  let open = 0;
  for (const { at, row, count } of changes) {
    open += count - (latest.get(row) ?? 0);
    latest.set(row, count);
    if (steps.at(-1)?.[0] === at) steps.pop();
    if (steps.at(-1)?.[1] !== open) steps.push([at, open]);
  }
  return steps;
}

/** The greatest comes first: a stretch ends at its least, which is what a leak raises. */
function changesOf([at, least, greatest]: Point, row: string, startedMs: number) {
  const most = { at: startedMs + at, row, count: greatest };
  return least === greatest ? [most] : [most, { ...most, at: most.at + 1, count: least }];
}
