/** Compares the reports of an incident's two variants with what it declares. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CERTAINTIES, type Certainty, type Kind, type Recording } from '../probe/recording/format.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import type { Check, Work } from './scenario.ts';

/** A finding that must be there: the line is searched for, so that it follows the code when that moves. */
export interface Expectation {
  kind: Kind;
  library: string;
  /** At least this certain. */
  certainty: Certainty;
  /** The file that runs and holds the call. */
  file: URL;
  /** Text of the acquiring call; on exactly one line of the file. */
  call: string;
}

/** What is claimed of a leak. */
export interface Claims {
  /** In the leaking variant; the fixed one must give nothing at `likely` or above. */
  mustFind: readonly Expectation[];
  /** What may be found as well, as it comes with the leak. */
  comesWith?: readonly Expectation[];
  /** The library that the fixed variant must have been seen to use: silence proves nothing otherwise. */
  mustUse: string;
  /** Codes of the errors that the leaking variant must end with, all later than the findings; the fixed one has none. */
  mustEndWith?: readonly string[];
}

/** An error that a program ended with, and told its runner of. */
export interface ProgramError {
  code: string;
  /** Milliseconds since 1970. */
  time: number;
  /** In which run of the job. */
  run?: number;
}

export interface LeakVariant {
  report: Report;
  recordings: Pick<Recording, 'process' | 'findings'>[];
  work: Work;
  errors: ProgramError[];
  /** What the variants need not have in common. */
  figures?: Work;
}

/** Every declared claim, with whether it held. Throws when a declaration does not fit the source. */
export function checkLeak(
  { mustFind, comesWith = [], mustUse, mustEndWith }: Claims,
  leaking: LeakVariant,
  fixed: LeakVariant,
): Check[] {
  const found = mustFind.map((expectation) => checkFound(expectation, leaking.report));
  const also = comesWith.map((expectation) => checkFound(expectation, leaking.report));
  const expected = [...found, ...also].flatMap(({ finding }) => finding ?? []);
  return [
    ...found.map(({ check }) => check),
    checkSilent('leaking', 'nothing else was found', leaking.report, expected),
    checkSilent('fixed', 'nothing was found', fixed.report, []),
    checkUsed(mustUse, mustFind[0]?.kind ?? 'connection', fixed.report),
    checkWork(leaking.work, fixed.work),
    ...(mustEndWith ? checkEnd(mustEndWith, leaking, fixed) : []),
  ];
}

function checkFound(expectation: Expectation, { findings }: Report): { check: Check; finding: Finding | undefined } {
  const place = placeOf(expectation);
  const finding = findings.find(
    ({ site, kind, library }) =>
      kind === expectation.kind && library === expectation.library && site && `${site.file}:${site.line}` === place,
  );
  const passed = finding !== undefined && isAtLeast(finding.certainty, expectation.certainty);
  const sentence = finding
    ? `leaking: ${finding.count} of ${finding.acquired} ${finding.kind}s found, ${finding.certainty}, at ${place}`
    : `leaking: no ${expectation.kind} found at ${place}`;
  return { check: { passed, sentence }, finding };
}

/** Of the lines that were expected, each verdict is welcome: that its pool ran out, for one. */
function checkSilent(variant: string, claim: string, { findings }: Report, expected: Finding[]): Check {
  const others = findings.filter(
    (finding) => isAtLeast(finding.certainty, 'likely') && !expected.some((one) => isOfOneLine(one, finding)),
  );
  const places = others.map(({ kind, site }) => `a ${kind} at ${site ? `${site.file}:${site.line}` : 'no known line'}`);
  return {
    passed: others.length === 0,
    sentence: others.length === 0 ? `${variant}: ${claim}` : `${variant}: also found ${places.join(', ')}`,
  };
}

function isOfOneLine(one: Finding, other: Finding): boolean {
  const line = ({ kind, library, site }: Finding) => `${kind} ${library} ${site?.file}:${site?.line}`;
  return one.site !== null && line(one) === line(other);
}

function checkUsed(library: string, kind: Kind, { watched }: Report): Check {
  const rows = watched.filter((row) => row.kind === kind && row.library === library);
  const acquired = rows.reduce((total, row) => total + row.acquired, 0);
  const released = rows.reduce((total, row) => total + row.released, 0);
  return {
    passed: acquired > 0 && acquired === released,
    sentence: `fixed: ${acquired} ${library} ${kind}s acquired under watch, ${released} released`,
  };
}

function checkWork(leaking: Work, fixed: Work): Check {
  const passed = JSON.stringify(leaking) === JSON.stringify(fixed);
  const words = (work: Work) =>
    Object.entries(work)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const sentence = passed
    ? `both did the same work: ${words(fixed)}`
    : `work differs: ${words(leaking)}; ${words(fixed)}`;
  return { passed, sentence };
}

function checkEnd(codes: readonly string[], leaking: LeakVariant, fixed: LeakVariant): Check[] {
  const ended = ({ errors }: LeakVariant) => errors.map(({ code }) => code).join(', then ') || 'no error';
  const [first] = leaking.errors;
  const found = leaking.recordings.flatMap(({ process, findings }) =>
    [...findings.values()].map(({ at }) => process.startedMs + at),
  );
  const ahead = first ? (first.time - Math.min(...found)) / 1000 : Number.NaN;
  return [
    { passed: ended(leaking) === codes.join(', then '), sentence: `leaking: ended with ${ended(leaking)}` },
    {
      passed: ahead > 0,
      sentence: `leaking: found ${Number.isFinite(ahead) ? `${ahead.toFixed(1)} s` : 'not'} before ${first?.code ?? 'its end'}`,
    },
    { passed: fixed.errors.length === 0, sentence: `fixed: ended with ${ended(fixed)}` },
  ];
}

/** `file:line` of the declared call, in the source that people read. */
function placeOf({ file, call }: Expectation): string {
  const path = fileURLToPath(file);
  const lines = readFileSync(path, 'utf8').split('\n');
  const hits = lines.flatMap((text, index) => (text.includes(call) ? [{ text, line: index + 1 }] : []));
  const [hit] = hits;
  if (!hit || hits.length > 1) throw new Error(`"${call}" is on ${hits.length} lines of ${path}, not one`);
  const place = new Sources().original({ file: path, line: hit.line, column: hit.text.indexOf(call) + 1 });
  return `${place.file}:${place.line}`;
}

function isAtLeast(certainty: Certainty, limit: Certainty): boolean {
  return CERTAINTIES.indexOf(certainty) <= CERTAINTIES.indexOf(limit);
}
