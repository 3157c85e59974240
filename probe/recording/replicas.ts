/**
 * Many processes of one service, read together: a leak so rare that each of them alone says nothing. Counted at each line
 * are the leases that stay far longer than any that came back there.
 *
 * What a process makes once and keeps (a listening client, a lock) is there in each: the least that any process has is no
 * leak. What is beyond that is one where it comes with the work: some processes have none of it, some have several, and
 * about as many were taken late in a process's life as early. All that must be so for a line to be called likely.
 *
 * Errs: a shared helper through which each process takes several for good, late in its life, is called a leak; one that
 * has left fewer than six in all processes together is not.
 */
import type { Frame, Kind, RecordedFinding, Recording } from './format.ts';
import { grouped } from './load.ts';

const LEAST = { processes: 5, leaking: 3, leaked: 6, late: 3 };
/** Of those that leaked: taken in the later half of their process's life. */
const LATE_SHARE = 0.25;
/** Of all acquired: a line that keeps more shows it in each process. */
const MOST_LEAKED = 0.1;
/** A release that would have leaked so many at the same rate, and did not, is without the leak. */
const EXPECTED = 3;

/** How a finding's line fared in the processes that ran it. */
export interface Spread {
  /** Of so many that ran it, in so many something stays. */
  of: number;
  processes: number;
  hosts: number;
  acquired: number;
  count: number;
  /** In the one with most. */
  most: number;
  /** Root mean square of the counts in all that ran it: the more of them are in few processes, the higher. */
  concentration: number;
  /** Oldest first; empty where nobody says. */
  releases: ReleaseSpread[];
  /** The first release that leaks, where an earlier one ran the line as much and did not; else null. */
  since: string | null;
}

export interface ReleaseSpread {
  release: string;
  of: number;
  processes: number;
  acquired: number;
  count: number;
}

interface InProcess {
  recording: Recording;
  acquired: number;
  released: number;
  stale: number;
  late: number;
  /** By a finding of its own, or `stale`. */
  count: number;
}

interface Line {
  kind: Kind;
  library: string;
  frame: Frame;
  /** What each process keeps: the least that stays in any. */
  base: number;
  in: Map<Recording, InProcess>;
}

export class Replicas {
  readonly #lines = new Map<string, Line>();

  constructor(recordings: readonly Recording[]) {
    if (recordings.filter(({ process }) => process.thread === 0).length < 2) return;
    for (const recording of recordings) this.#findLines(recording);
    for (const line of this.#lines.values()) {
      for (const recording of recordings) count(line, recording);
      line.base = Math.min(...[...line.in.values()].map(({ stale }) => stale));
    }
  }

  /** Findings of one process, with what the others know of their lines, and those that only all together show. */
  together<F extends RecordedFinding>(
    recording: Recording,
    findings: readonly F[],
    empty: Omit<F, keyof RecordedFinding>,
  ): F[] {
    const told = new Set<Line>();
    const known = findings.flatMap((finding) => {
      const line = this.#lines.get(keyOfFinding(recording, finding) ?? '');
      const row = line?.in.get(recording);
      if (!line || !row) return [finding];
      told.add(line);
      return isLeak(line) && finding.certainty === 'suspect' ? raised(finding, line, row) : [finding];
    });
    const others = [...this.#lines.values()].filter((line) => !told.has(line) && isLeak(line));
    return [
      ...known,
      ...others.flatMap((line) => found(recording, line).map((finding) => ({ ...finding, ...empty }) as F)),
    ];
  }

  /** Null where fewer than two processes ran the line. */
  spreadOf(recording: Recording, finding: RecordedFinding): Spread | null {
    const line = this.#lines.get(keyOfFinding(recording, finding) ?? '');
    return line ? spreadOf(line) : null;
  }

  #findLines(recording: Recording): void {
    for (const { site, frame, kind, library, stale } of recording.openSites) {
      if (stale) this.#add(recording, kind, library, site, frame);
    }
    for (const { finding } of recording.findings.values()) {
      this.#add(recording, finding.kind, finding.library, finding.site, finding.frame);
    }
  }

  #add(recording: Recording, kind: Kind, library: string, site: number, at: number): void {
    const frame = recording.sites.get(site)?.[at];
    if (!frame) return;
    const key = keyOf(kind, library, frame, recording);
    if (!this.#lines.has(key)) this.#lines.set(key, { kind, library, frame, base: 0, in: new Map() });
  }
}

/** The same in every process, wherever it is installed, and whatever else its file is given in a later release. */
function keyOf(kind: Kind, library: string, frame: Frame, recording: Recording): string {
  return JSON.stringify([kind, library, placeOf(frame, recording)]);
}

function placeOf({ file, line, function: name }: Frame, { process: { cwd } }: Recording): string {
  const own = file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file;
  return `${own} ${name || line}`;
}

function keyOfFinding(recording: Recording, { kind, library, site, frame }: RecordedFinding): string | null {
  const at = recording.sites.get(site)?.[frame];
  return at ? keyOf(kind, library, at, recording) : null;
}

/** Enters what a process or thread did at the line; nothing, if it never came there. */
function count(line: Line, recording: Recording): void {
  const place = keyOf(line.kind, line.library, line.frame, recording);
  const isHere = (site: number, frames: readonly Frame[] | undefined = recording.sites.get(site)) =>
    frames?.some((frame) => keyOf(line.kind, line.library, frame, recording) === place) === true;
  const row: InProcess = { recording, acquired: 0, released: 0, stale: 0, late: 0, count: 0 };
  for (const [site, kind, library, , acquired, released] of recording.totals) {
    if (kind !== line.kind || library !== line.library || !isHere(site)) continue;
    row.acquired += acquired;
    row.released += released;
  }
  for (const { kind, library, site, frame, stale } of recording.openSites) {
    const at = recording.sites.get(site)?.[frame];
    if (!stale || kind !== line.kind || library !== line.library || !at || !isHere(site, [at])) continue;
    row.stale += stale.count;
    row.late += stale.late;
  }
  const own = [...recording.findings.values()].filter(({ finding }) => keyOfFinding(recording, finding) === place);
  row.count = Math.max(row.stale, ...own.map(({ finding }) => finding.count));
  if (row.acquired > 0 || row.count > 0) line.in.set(recording, row);
}

function isLeak(line: Line): boolean {
  const rows = [...line.in.values()];
  const [late, acquired, released] = [sum(rows, 'late'), sum(rows, 'acquired'), sum(rows, 'released')];
  const beyond = rows.map((row) => row.stale - line.base);
  const leaked = beyond.reduce((total, each) => total + each, 0);
  return (
    rows.length >= LEAST.processes &&
    beyond.filter((each) => each > 0).length >= LEAST.leaking &&
    beyond.some((each) => each > 1) &&
    leaked >= LEAST.leaked &&
    late >= Math.max(LEAST.late, LATE_SHARE * leaked) &&
    leaked <= MOST_LEAKED * acquired &&
    released >= acquired * (1 - 2 * MOST_LEAKED)
  );
}

/** None where it is no more than what every process keeps. */
function raised<F extends RecordedFinding>(finding: F, line: Line, { stale }: InProcess): F[] {
  const count = stale - line.base;
  if (count <= 0) return [];
  const evidence = [sentence(line), ...finding.evidence];
  return [{ ...finding, count, certainty: 'likely', detector: 'replicas', evidence }];
}

/** None where nothing of it stays in this process. */
function found(recording: Recording, line: Line): RecordedFinding[] {
  const row = line.in.get(recording);
  const open = recording.openSites.find(({ kind, library, site, frame, stale }) => {
    const at = recording.sites.get(site)?.[frame];
    return stale && at && keyOf(kind, library, at, recording) === keyOf(line.kind, line.library, line.frame, recording);
  });
  if (!row || !open?.stale || row.stale <= line.base) return [];
  return [
    {
      ...{ kind: line.kind, nature: open.stale.nature, library: line.library, pool: null },
      ...{
        detector: 'replicas',
        certainty: 'likely',
        count: row.stale,
        acquired: row.acquired,
        released: row.released,
      },
      ...{ estimated: false, site: open.site, frame: open.frame, siteUnknown: null, evidence: [sentence(line)] },
      ...{ exhausted: null, holders: [], scopes: [] },
    },
  ];
}

function sentence(line: Line): string {
  const rows = [...line.in.values()];
  const beyond = rows.map((row) => row.stale - line.base);
  const leaked = beyond.reduce((total, each) => total + each, 0);
  const acquired = sum(rows, 'acquired');
  const kept = line.base > 0 ? ` beside the ${line.base} that every process keeps` : '';
  return (
    `In ${beyond.filter((each) => each > 0).length} of ${rows.length} processes some stay far longer than any that came ` +
    `back${kept}, at most ${Math.max(...beyond)} in one: ${leaked} of ${grouped(acquired)} acquired, 1 in ` +
    `${grouped(Math.round(acquired / leaked))}, ${sum(rows, 'late')} of them taken late in a process’s life.`
  );
}

function spreadOf(line: Line): Spread | null {
  const rows = [...line.in.values()];
  if (rows.length < 2) return null;
  const releases = releasesOf(rows);
  const hosts = new Set(rows.map(({ recording }) => recording.process.host));
  return {
    ...totalsOf(rows),
    hosts: hosts.size,
    most: Math.max(...rows.map((row) => row.count)),
    concentration: Math.sqrt(rows.reduce((total, { count }) => total + count ** 2, 0) / rows.length),
    releases,
    since: sinceOf(releases),
  };
}

function totalsOf(rows: readonly InProcess[]): Pick<Spread, 'of' | 'processes' | 'acquired' | 'count'> {
  const processes = rows.filter((row) => row.count > 0).length;
  return { of: rows.length, processes, acquired: sum(rows, 'acquired'), count: sum(rows, 'count') };
}

/** In the order in which each first ran. */
function releasesOf(rows: readonly InProcess[]): ReleaseSpread[] {
  const byRelease = new Map<string, InProcess[]>();
  for (const row of rows.toSorted((a, b) => a.recording.process.startedMs - b.recording.process.startedMs)) {
    const { release } = row.recording.process;
    if (release !== undefined) byRelease.set(release, [...(byRelease.get(release) ?? []), row]);
  }
  return [...byRelease].map(([release, own]) => ({ release, ...totalsOf(own) }));
}

function sinceOf(releases: readonly ReleaseSpread[]): string | null {
  const first = releases.findIndex((each) => each.count > 0);
  if (first <= 0) return null;
  const leaking = releases.slice(first);
  const rate = sum(leaking, 'count') / Math.max(1, sum(leaking, 'acquired'));
  const before = sum(releases.slice(0, first), 'acquired');
  return before * rate >= EXPECTED ? (releases[first]?.release ?? null) : null;
}

function sum<K extends string>(rows: readonly Readonly<Record<K, number>>[], key: K): number {
  return rows.reduce((total, row) => total + row[key], 0);
}
