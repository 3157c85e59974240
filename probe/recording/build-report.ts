/** Recordings → `report.json`. The same result whether the process wrote it at its exit or somebody does later. */
import path from 'node:path';
import { assemble, startedBy, storeReport } from './assemble.ts';
import { type Maker, makerOf } from './atlas.ts';
import { idOf } from './finding-id.ts';
import { unifiedDiff } from './fix.ts';
import { CERTAINTIES, type Frame, type ProcessLine, type RecordedFinding, type Recording } from './format.ts';
import { type Load, readLoad } from './load.ts';
import { NATURES } from './natures.ts';
import { keptAliveBy, openIn } from './open.ts';
import { ownerOf } from './owner.ts';
import { noExcerpt, placeIn } from './place.ts';
import { type Run, readRun } from './reader.ts';
import { Replicas } from './replicas.ts';
import type { Finding, Report, Site, Withdrawn } from './report.ts';
import { findingsWithSlopes } from './slopes/findings.ts';
import { Sources } from './source.ts';
import { callersOf, mergeCallers, through } from './through.ts';
import { unseenOfLoad } from './unseen-load.ts';

/** Of one process. */
const MAX_WITHDRAWN = 50;
const MAX_CALLERS = 20;

/** Reads the run in `folder`, writes its report.json, and returns both. */
export function writeReport(folder: string, run: Run = readRun(folder)): { report: Report; recordings: Recording[] } {
  const { recordings, problems } = run;
  const report = buildReport(recordings, problems, readLoad(folder, problems));
  storeReport(folder, report);
  return { report, recordings };
}

/**
 * What the outermost process itself does at its exit: of itself and all that it started. Where its folder was used
 * before, what others left there is of another run.
 */
export function writeReportOf(folder: string, { pid, startedMs }: Pick<ProcessLine, 'pid' | 'startedMs'>): void {
  const run = readRun(folder, (name) => (ownerOf(name)?.startedMs ?? startedMs) >= startedMs);
  writeReport(folder, { ...run, recordings: startedBy(run.recordings, pid) });
}

export function buildReport(
  recordings: readonly Recording[],
  problems: readonly string[] = [],
  load: Load | null = null,
): Report {
  const sources = Sources.of(recordings);
  // the runs of a command are counted by themselves
  const replicas = new Replicas(load === null ? recordings : []);
  const all = recordings.flatMap((recording) => {
    const round = load?.kind === 'commands' ? roundOf(recording, load) : null;
    return findingsOf(recording, load, sources, replicas).map((finding) => ({
      finding: { ...finding, fix: unifiedDiff(finding, recording.process.cwd) },
      round,
    }));
  });
  const findings = merge(all.map(({ finding }) => finding));
  if (load?.kind === 'commands') for (const finding of findings) tellRecurrence(finding, all, load);
  for (const finding of findings) tellRecipe(finding, load);
  const found = {
    ...{ findings, withdrawn: withdrawnIn(recordings, sources), open: openIn(recordings, sources) },
    keptAliveBy: (recording: Recording) => keptAliveBy(recording, sources),
  };
  return assemble(recordings, found, problems, load && { load, unseen: unseenOfLoad(load, recordings) });
}

function findingsOf(recording: Recording, load: Load | null, sources: Sources, replicas: Replicas): Finding[] {
  return replicas.together(recording, findingsWithSlopes(recording, load), { held: [] }).map((finding) => {
    const spread = replicas.spreadOf(recording, finding);
    const { site: siteId, frame, siteUnknown, holders = [], back, ...rest } = finding;
    const backAt = back ? siteOf(recording, back.site, back.frame, sources) : null;
    const stack = (recording.sites.get(siteId) ?? []).map((raw) => sources.original(raw));
    const blamed = stack[frame];
    const site = siteOf(recording, siteId, frame, sources);
    const place = blamed && placeIn(recording, siteId, frame, sources);
    const maker = makerOfFinding(finding, stack);
    return {
      ...rest,
      evidence: backAt ? [...rest.evidence, `Given back at ${placeOf(backAt, recording)}.`] : rest.evidence,
      id: idOf(finding, blamed, place),
      origin: (blamed && !blamed.user) || maker?.known ? 'library' : 'user',
      site: site && (place?.isCompiled ? { ...site, compiled: true } : site),
      holders: holders.map(({ site: id, frame: at, ...held }) => ({
        site: siteOf(recording, id, at, sources),
        ...held,
      })),
      callers:
        site && isOfLine(finding)
          ? callersOf(through(recording, { ...finding, site }, sources)).slice(0, MAX_CALLERS)
          : [],
      siteUnknown: site ? null : (siteUnknown ?? 'the recording has no stack for it'),
      stack,
      recurrence: null,
      recipe: null,
      excerpt: place?.excerpt ?? null,
      excerptUnknown: place ? noExcerpt(place) : null,
      ...(spread && { spread }),
      ...(maker && { maker: maker.package }),
      ...(maker?.known && { known: { mended: maker.known.mended, what: maker.known.what } }),
    };
  });
}

/** That a library makes what is its own goes without saying, and so that what it lends is to be given back. */
function makerOfFinding({ kind, nature, library }: RecordedFinding, stack: readonly Frame[]): Maker | null {
  const maker = makerOf(stack, kind);
  const isTold = maker?.known || (maker?.package.name !== library && NATURES[nature].ends !== 'given back');
  return isTold ? maker : null;
}

function placeOf({ file, line }: Site, { process: { cwd } }: Recording): string {
  const near = path.relative(cwd, file);
  return `${near.startsWith('..') ? path.basename(file) : near}:${line}`;
}

/** Not of a whole pool, whose totals are of many lines. */
function isOfLine({ detector, nature }: RecordedFinding): boolean {
  return detector !== 'pool-exhausted' && detector !== 'hold-and-wait' && NATURES[nature].isTotalled;
}

export function siteOf({ sites }: Recording, id: number, frame: number, sources: Sources): Site | null {
  const raw = sites.get(id)?.[frame];
  if (!raw) return null;
  const { file, line, column, function: name } = sources.original(raw);
  return { file, line, column, function: name };
}

/** Newest first, each line once. */
function withdrawnIn(recordings: readonly Recording[], sources: Sources): Withdrawn[] {
  return recordings.flatMap((recording) =>
    recording.withdrawn
      .slice(-MAX_WITHDRAWN)
      .reverse()
      .map(({ finding: { kind, nature, detector, library, pool, site, frame, evidence }, why }) => ({
        ...{ kind, nature, detector, library, pool, evidence, why },
        site: siteOf(recording, site, frame, sources),
      })),
  );
}

/** One leak in several processes or threads is one finding; sorted by certainty, then weight. */
function merge(findings: Finding[]): Finding[] {
  const byId = new Map<string, Finding>();
  for (const finding of findings) {
    const known = byId.get(finding.id);
    if (!known) {
      byId.set(finding.id, { ...finding, scopes: finding.scopes.map((scope) => ({ ...scope })) });
      continue;
    }
    known.count += finding.count;
    known.acquired += finding.acquired;
    known.released += finding.released;
    known.estimated ||= finding.estimated;
    if (rank(finding) < rank(known)) {
      known.certainty = finding.certainty;
      known.detector = finding.detector;
    }
    if (known.pool !== finding.pool) known.pool = null;
    known.holders = [...known.holders, ...finding.holders];
    known.callers = mergeCallers([...known.callers, ...finding.callers]);
    known.evidence = [...new Set([...known.evidence, ...finding.evidence])];
    for (const scope of finding.scopes) {
      const same = known.scopes.find(({ name }) => name === scope.name);
      if (!same) {
        known.scopes.push({ ...scope });
        continue;
      }
      same.ended += scope.ended;
      same.leaked += scope.leaked;
      if (same.failedWith !== scope.failedWith) same.failedWith = null;
    }
  }
  return [...byId.values()].sort(
    (a, b) => rank(a) - rank(b) || weight(b) - weight(a) || newness(b) - newness(a) || (a.id < b.id ? -1 : 1),
  );
}

/** So many processes are a fleet. */
const FLEET = 3;

/** How many; in a fleet how concentrated: many in one process end it, and one in each of many does not. */
function weight({ count, spread }: Finding): number {
  return spread && spread.of >= FLEET && spread.count > 0 ? spread.concentration : count;
}

/** Of lines that weigh the same the one comes first that a release brought. */
function newness({ spread }: Finding): number {
  return spread?.since ? 1 : 0;
}

/** An experiment says more than what was merely seen. */
function tellRecipe(finding: Finding, load: Load | null): void {
  const {
    sentence,
    test = null,
    fix = null,
  } = load?.faults.find((fault) => finding.evidence.includes(fault.sentence)) ?? {};
  if (sentence === undefined) return;
  finding.recipe = { sentence, test, fix: fix?.sentence ?? null };
  finding.fix = fix?.diff ?? null;
  finding.evidence = [sentence, ...finding.evidence.filter((other) => other !== sentence)];
  if (finding.certainty === 'likely') finding.detector = 'fail-path';
}

/** Runs of a command follow each other, so the time tells which one a process belongs to. */
function roundOf({ process: { startedMs } }: Recording, { rounds }: Load): number | null {
  return rounds.find((round) => startedMs >= round.startedMs && startedMs <= round.endedMs)?.round ?? null;
}

function tellRecurrence(finding: Finding, found: readonly { finding: Finding; round: number | null }[], load: Load) {
  const rounds = found.flatMap(({ finding: { id }, round }) => (id === finding.id && round !== null ? [round] : []));
  const of = load.rounds.length;
  const runs = new Set(rounds).size;
  finding.recurrence = { runs, of };
  finding.evidence = [`Found in ${runs} of ${of} runs of the command.`, ...finding.evidence];
}

function rank({ certainty }: Finding): number {
  return CERTAINTIES.indexOf(certainty);
}
