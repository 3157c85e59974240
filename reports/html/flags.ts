/** Findings on the time line: when each was first seen, and when one came back; and the probe's own faults. */
import type { Certainty, RecordedFinding, Recording } from '../../probe/recording/format.ts';
import type { Finding, Report } from '../../probe/recording/report.ts';
import { Sources } from '../../probe/recording/source.ts';
import { place } from '../finding-words.ts';
import { plural } from '../words.ts';
import { cardId } from './card.ts';

export interface Flag {
  /** Seconds on the time line. */
  at: number;
  /** The number of its card, counted from 1; 0 for what came back, and for a fault of the probe. */
  card: number;
  /** What stands on it. */
  sign: string;
  certainty: Certainty | null;
  label: string;
  /** Of what it leads to, without `#`. */
  target: string;
}

/** More would hide each other. */
const MOST = { found: 30, back: 10, faults: 5 };

/** In the order of time. */
export function flagsOf(
  report: Report,
  recordings: readonly Recording[],
  seconds: (r: Recording, at: number) => number,
): Flag[] {
  const sources = Sources.of(recordings);
  const found = new Map<Finding, number>();
  const back: Flag[] = [];
  for (const recording of recordings) {
    for (const { at, finding: recorded } of recording.findings.values()) {
      const finding = report.findings.find((each) => isSame(each, recorded, recording, sources));
      const time = seconds(recording, at);
      if (finding) found.set(finding, Math.min(time, found.get(finding) ?? time));
    }
    for (const { at, finding, why } of recording.withdrawn) {
      back.push({
        at: seconds(recording, at),
        card: 0,
        sign: '↩',
        certainty: null,
        label: `${nameOf(finding)}: ${why}`,
        target: BACK,
      });
    }
  }
  const flags = [...found].map(([finding, at]): Flag => {
    const card = report.findings.indexOf(finding) + 1;
    return {
      at,
      card,
      sign: String(card),
      certainty: finding.certainty,
      label: labelOf(finding),
      target: cardId(finding),
    };
  });
  const faults = recordings.flatMap((recording) =>
    recording.faults.map(({ at, count }): Flag => {
      const label = `the probe had ${plural(count, 'fault')} of its own`;
      return { at: seconds(recording, at), card: 0, sign: '!', certainty: null, label, target: 'not-watched' };
    }),
  );
  const shown = [
    ...flags.sort((a, b) => a.card - b.card).slice(0, MOST.found),
    ...back.slice(-MOST.back),
    ...faults.slice(0, MOST.faults),
  ];
  return shown.sort((a, b) => a.at - b.at || a.card - b.card);
}

const BACK = 'came-back';

function labelOf(finding: Finding): string {
  if (finding.detector === 'hold-and-wait') return `${nameOf(finding)}: deadlock`;
  return finding.detector === 'pool-exhausted' ? `${nameOf(finding)} ran out` : place(finding);
}

function nameOf({ pool, kind }: Finding | RecordedFinding): string {
  return pool === null ? kind : `pool ${pool}`;
}

/** A recorded finding has no id: it is the one of the same line, as the source maps give it, and of the same sort. */
function isSame(finding: Finding, recorded: RecordedFinding, { sites }: Recording, sources: Sources): boolean {
  if (finding.kind !== recorded.kind || finding.library !== recorded.library) return false;
  if (sortOf(finding) !== sortOf(recorded)) return false;
  const raw = sites.get(recorded.site)?.[recorded.frame];
  if (!raw || !finding.site) return !raw && !finding.site;
  const { file, line, column } = sources.original(raw);
  return finding.site.file === file && finding.site.line === line && finding.site.column === column;
}

function sortOf({ detector }: Finding | RecordedFinding): string {
  return detector === 'pool-exhausted' || detector === 'hold-and-wait' ? detector : 'line';
}
