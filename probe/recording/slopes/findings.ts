/**
 * The findings of one process, those included that only a soak's rounds show: what is open at rest, and the memory,
 * rises with the work. Made of the recording and not by the probe: only the soak knows how many requests a round had,
 * and a process that was killed gives the same as one that ended well.
 *
 * One leak is one finding. A slope that a standing finding explains is evidence there; so is a slope that follows from
 * another, as the memory of what is kept does.
 */
import path from 'node:path';
import { CERTAINTIES, type Kind, type RecordedFinding, type Recording, type RoundLine } from '../format.ts';
import type { Load } from '../load.ts';
import { NATURES } from '../natures.ts';
import { type Grown, type ReachReport, siteOfHolder, stackOf, withReach } from '../reach.ts';
import { GAUGES, type Gauge } from './gauges.ts';
import { type Point, type Slope, slopeOf } from './slope.ts';

/** What comes with something of a kind, and how many of it: a leaked connection keeps its socket, a child three pipes. */
const COMES_WITH: Partial<Record<Kind, Partial<Record<Kind, number>>>> = {
  connection: { socket: 1, context: 1 },
  'child-process': { socket: 3 },
  worker: { port: 4 },
  timer: { context: 1 },
  listener: { context: 1 },
};
/** Memory that one leaked thing may well hold, bytes: more is another leak. A context holds all that was loaded in it. */
const HOLDS = 1e6;
const CONTEXT_HOLDS = 16e6;
/** Of a slope, the share that must be found for it to be explained. */
const EXPLAINS = 0.5;

/** With what a snapshot of the heap tells of it: who holds it, in words. */
type Held = RecordedFinding & { held: string[] };

export function findingsWithSlopes(recording: Recording, load: Load | null): Held[] {
  const reach = new Map(recording.reach?.lines.map((line) => [line.key, line]));
  const findings = [...recording.findings].map(([key, { finding }]) => withReach(finding, reach.get(key)));
  // who keeps contexts, and memory that these may well hold
  let keeper = { index: -1, bytes: 0 };
  for (const gauge of GAUGES) {
    if (gauge.isOfProcess && recording.process.thread !== 0) continue;
    const slope = slopeOf(pointsOf(recording.rounds, gauge, load), gauge.floors);
    if (!slope) continue;
    const sentence = inWords(gauge, slope, load);
    const { kind } = NATURES[gauge.nature];
    let index = findings.findIndex((finding) => explains(finding, gauge, slope));
    if (index === -1 && kind === 'memory' && slope.rise <= keeper.bytes) index = keeper.index;
    const known = findings[index];
    if (known) findings[index] = withEvidence(known, gauge, slope, sentence);
    else findings.push(findingOf(recording, gauge, slope, sentence));
    if (kind === 'context') keeper = { index, bytes: slope.rise * CONTEXT_HOLDS };
  }
  return findings;
}

/** As `slopeOf` wants them; what a round does not tell is left out. */
export function pointsOf(rounds: readonly RoundLine[], { read }: Pick<Gauge, 'read'>, load: Load | null): Point[] {
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
  if (kind !== own && certainty === 'suspect') return false;
  if (own === 'memory') return kind === 'memory' || rise <= count * (kind === 'context' ? CONTEXT_HOLDS : HOLDS);
  const ofEach = kind === own ? 1 : (COMES_WITH[kind]?.[own] ?? 0);
  return count * ofEach >= EXPLAINS * rise;
}

/** Of its own kind a slope says more than a suspect. */
function withEvidence(known: Held, { nature }: Gauge, slope: Slope, sentence: string): Held {
  const finding = { ...known, evidence: [...known.evidence, sentence] };
  const isStronger = CERTAINTIES.indexOf(slope.certainty) < CERTAINTIES.indexOf(known.certainty);
  if (!isStronger || known.kind !== NATURES[nature].kind || known.site === -1) return finding;
  return { ...finding, certainty: slope.certainty, detector: 'growth' };
}

function findingOf(recording: Recording, gauge: Gauge, { certainty, rise }: Slope, sentence: string): Held {
  const { kind, matter } = NATURES[gauge.nature];
  const count = matter === 'memory' ? Math.round(rise / 1e6) : Math.round(rise);
  const line = recording.openSites
    .filter((line) => line.kind === kind && line.site !== -1)
    .sort((a, b) => b.open - a.open)
    .find(({ open }) => open >= EXPLAINS * rise);
  const known = line ?? (matter === 'memory' ? placeOfHolder(recording, rise) : null);
  const { library = gauge.library, site = -1, frame = -1, acquired = 0, released = 0 } = known ?? {};
  return {
    ...{ kind, nature: gauge.nature, detector: 'growth', certainty, count, acquired, released, estimated: false },
    ...{ library, pool: null, site, frame, siteUnknown: known ? null : UNKNOWN },
    evidence: [sentence],
    held: matter === 'memory' ? inWordsOf(recording.reach) : [],
    ...{ exhausted: null, holders: [], scopes: [] },
  };
}

/** The line that adds to what holds the most of it, if that is so much. */
function placeOfHolder({ reach }: Recording, rise: number): Partial<RecordedFinding> | null {
  const index = reach?.holders.findIndex((holder) => stackOf(holder) !== null && holder.bytes >= EXPLAINS * rise) ?? -1;
  return index === -1 ? null : { site: siteOfHolder(index), frame: 0 };
}

function inWordsOf(reach: ReachReport | null): string[] {
  if (!reach || reach.holders.length === 0) return grownInWords(reach?.grown ?? []);
  return reach.holders.slice(0, MOST_GROWN).map(({ held, count, bytes: size, lines }) => {
    const places = lines.map(({ file, line }) => `${path.basename(file)}:${line}`).join(', ');
    const more = count > 0 ? `${count.toLocaleString('en-US')} more in it, ` : '';
    return `${held}, ${more}${bytes(size)}${places && `: see ${places}`}`;
  });
}

/** `cache: Map, 12,400 more Order (3.1 MB)`. */
function grownInWords(grown: readonly Grown[]): string[] {
  return grown
    .filter(({ bytes, held }) => bytes >= GROWN_BYTES && held.length > 0)
    .slice(0, MOST_GROWN)
    .map(({ name, count, bytes: size, held }) => {
      return `${held[0]}, ${count.toLocaleString('en-US')} more ${name} (${bytes(size)})`;
    });
}

/** Of one class, to be named; and classes. */
const GROWN_BYTES = 50_000;
const MOST_GROWN = 5;

const UNKNOWN = 'it was counted at rest, for the whole process, and not watched line by line';

/** `Memory at rest, after a collection, rose over 4 rounds, 49.1, 80.0, 112.3, 143.2 MB: by 7.8 kB for each request (…).` */
function inWords({ nature }: Gauge, { values, each, p }: Slope, load: Load | null): string {
  const { matter, words } = NATURES[nature];
  const isMemory = matter === 'memory';
  const unit = load?.rounds.some(({ requests }) => requests > 0) ? 'request' : 'round';
  const shown = values.map((value) => (isMemory ? (value / 1e6).toFixed(1) : String(value)));
  const omitted = Math.max(0, shown.length - SHOWN);
  const list = omitted > 0 ? [shown[0], '…', ...shown.slice(omitted + 1)] : shown;
  const subject = isMemory
    ? 'Memory at rest, after a collection,'
    : `${words.many.charAt(0).toUpperCase()}${words.many.slice(1)} at rest`;
  const rate = isMemory ? `${bytes(each)} for each ${unit}` : rateOf(each, unit);
  return `${subject} rose over ${values.length} rounds, ${list.join(', ')}${isMemory ? ' MB' : ''}: by ${rate} (Theil–Sen); chance alone orders them so once in ${Math.round(1 / p).toLocaleString('en-US')} times (Kendall, the warm-up included).`;
}

/** Values in a sentence. */
const SHOWN = 6;

function rateOf(each: number, unit: string): string {
  if (each >= 0.8) return `${Number(each.toPrecision(2)).toLocaleString('en-US')} for each ${unit}`;
  return `one for every ${Number((1 / each).toPrecision(2)).toLocaleString('en-US')} ${unit}s`;
}

function bytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} bytes`;
  return value < 1e6 ? `${Number((value / 1000).toPrecision(2))} kB` : `${Number((value / 1e6).toPrecision(2))} MB`;
}
