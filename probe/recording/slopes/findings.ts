/**
 * The findings of one process, those included that only a soak's rounds show: what is open at rest, and the memory,
 * rises with the work. Made of the recording and not by the probe: only the soak knows how many requests a round had,
 * and a process that was killed gives the same as one that ended well.
 *
 * One leak is one finding. A slope that a standing finding explains is evidence there; so is a slope that follows from
 * another, as the memory of what is kept does.
 */
import { CERTAINTIES, type Kind, type RecordedFinding, type Recording, type RoundLine } from '../format.ts';
import type { Load } from '../load.ts';
import { NATURES } from '../natures.ts';
import { GAUGES, type Gauge } from './gauges.ts';
import { type Point, type Slope, slopeOf } from './slope.ts';

/** What comes with something of a kind: a leaked connection keeps its socket. */
const COMES_WITH: Partial<Record<Kind, readonly Kind[]>> = {
  socket: ['connection', 'child-process'],
  port: ['worker'],
};
/** Memory that one leaked thing may well hold, bytes: more is another leak. */
const HOLDS = 4e6;
/** Of a slope, the share that must be found for it to be explained. */
const EXPLAINS = 0.5;

export function findingsWithSlopes(recording: Recording, load: Load | null): RecordedFinding[] {
  const findings = [...recording.findings.values()].map(({ finding }) => finding);
  for (const gauge of GAUGES) {
    if (gauge.isOfProcess && recording.process.thread !== 0) continue;
    const slope = slopeOf(pointsOf(recording.rounds, gauge, load), gauge.floors);
    if (!slope) continue;
    const sentence = inWords(gauge, slope, load);
    const index = findings.findIndex((finding) => explains(finding, gauge, slope));
    const known = findings[index];
    if (known) findings[index] = withEvidence(known, gauge, slope, sentence);
    else findings.push(findingOf(recording, gauge, slope, sentence));
  }
  return findings;
}

function pointsOf(rounds: readonly RoundLine[], { read }: Gauge, load: Load | null): Point[] {
  const requests = new Map(load?.rounds.map(({ round, requests }) => [round, requests]));
  const isCounted = rounds.every(({ round }) => (requests.get(round) ?? 0) > 0);
  let work = 0;
  return rounds.flatMap((line) => {
    work += isCounted ? (requests.get(line.round) as number) : 1;
    const value = read(line);
    return value === null ? [] : [{ round: line.round, work, value }];
  });
}

/** A suspect explains what is of its own kind; a leak also what comes with it. */
function explains({ kind, count, certainty }: RecordedFinding, { nature }: Gauge, { rise }: Slope): boolean {
  const own = NATURES[nature].kind;
  if (own === 'memory') return certainty !== 'suspect' && count > 0 && (kind === 'memory' || rise / count <= HOLDS);
  if (count < EXPLAINS * rise) return false;
  if (kind === own) return true;
  return certainty !== 'suspect' && (own === 'context' || (COMES_WITH[own]?.includes(kind) ?? false));
}

/** Of its own kind a slope says more than a suspect. */
function withEvidence(known: RecordedFinding, { nature }: Gauge, slope: Slope, sentence: string): RecordedFinding {
  const finding = { ...known, evidence: [...known.evidence, sentence] };
  const isStronger = CERTAINTIES.indexOf(slope.certainty) < CERTAINTIES.indexOf(known.certainty);
  if (!isStronger || known.kind !== NATURES[nature].kind || known.site === -1) return finding;
  return { ...finding, certainty: slope.certainty, detector: 'growth' };
}

function findingOf(recording: Recording, gauge: Gauge, { certainty, rise }: Slope, sentence: string): RecordedFinding {
  const { kind, matter } = NATURES[gauge.nature];
  const count = matter === 'memory' ? Math.round(rise / 1e6) : Math.round(rise);
  const line = recording.openSites
    .filter((line) => line.kind === kind && line.site !== -1)
    .sort((a, b) => b.open - a.open)
    .find(({ open }) => open >= EXPLAINS * rise);
  const { library = gauge.library, site = -1, frame = -1, acquired = 0, released = 0 } = line ?? {};
  return {
    ...{ kind, nature: gauge.nature, detector: 'growth', certainty, count, acquired, released, estimated: false },
    ...{ library, pool: null, site, frame, siteUnknown: line ? null : UNKNOWN },
    evidence: [sentence],
    ...{ exhausted: null, holders: [], scopes: [] },
  };
}

const UNKNOWN = 'it was counted at rest, for the whole process, and not watched line by line';

/** `Memory at rest, after a collection, rose in 4 rounds: 49, 80, 112, 143 MB, by 7.8 kB for each request (…).` */
function inWords({ nature }: Gauge, { values, each, p }: Slope, load: Load | null): string {
  const { matter, words } = NATURES[nature];
  const isMemory = matter === 'memory';
  const unit = load?.rounds.some(({ requests }) => requests > 0) ? 'request' : 'round';
  const shown = [...values.slice(0, 1), ...(values.length > SHOWN ? ['…'] : []), ...values.slice(1).slice(1 - SHOWN)];
  const list = shown.map((value) => (typeof value === 'string' ? value : isMemory ? (value / 1e6).toFixed(1) : value));
  const subject = isMemory
    ? 'Memory at rest, after a collection,'
    : `${words.many.charAt(0).toUpperCase()}${words.many.slice(1)} at rest`;
  const rate = isMemory ? bytes(each) : each.toPrecision(2);
  return `${subject} rose over ${values.length} rounds, ${list.join(', ')}${isMemory ? ' MB' : ''}: by ${rate} for each ${unit} (Theil–Sen); such an order has a chance of ${p.toPrecision(1)} (Kendall, with the warm-up).`;
}

/** Values in a sentence. */
const SHOWN = 6;

function bytes(value: number): string {
  if (value < 1000) return `${value.toPrecision(2)} bytes`;
  return value < 1e6 ? `${(value / 1000).toPrecision(2)} kB` : `${(value / 1e6).toPrecision(2)} MB`;
}
