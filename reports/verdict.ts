/** What a report says first: the verdict in words, and what weakens it. */
import { basename } from 'node:path';
import type { Cause, Certainty } from '../probe/recording/format.ts';
import { NATURES } from '../probe/recording/natures.ts';
import type { Finding, Report, ReportProcess } from '../probe/recording/report.ts';
import { grownTo, place, shareOf } from './finding-words.ts';
import { matterOf } from './matter.ts';
import { keptAliveWords } from './open-words.ts';
import { amount, noun, number, plural, processName } from './words.ts';

export interface Verdict {
  /** `2 leaks.` */
  headline: string;
  /** `orders.ts:12 keeps 1 connection in 14 of 200 runs of rules.` */
  detail: string;
}

/** The verdict as one sentence, the same in every form of the report. */
export function verdictSentence(report: Report): string {
  const { headline, detail } = verdict(report);
  return `${headline} ${detail}`.trim();
}

export function verdict(report: Report): Verdict {
  const worst = report.findings[0];
  if (!worst) return report.verdict === 'inconclusive' ? inconclusive(report) : cleanVerdict(report);
  const sure = report.findings.filter(({ certainty }) => certainty !== 'suspect');
  if (sure.length === 0) {
    const suspects = plural(report.findings.length, 'suspect');
    return { headline: `${suspects}, no certain leak.`, detail: `${claim(worst)}.` };
  }
  const deadlocks = sure.filter((finding) => matterOf(finding) === 'deadlock').length;
  const ranOut = sure.find((finding) => isConsequence(finding, sure));
  const leaks = sure.filter((finding) => matterOf(finding) !== 'deadlock' && !isConsequence(finding, sure)).length;
  const counts = [leaks && plural(leaks, 'leak'), deadlocks && plural(deadlocks, 'deadlock')].filter(Boolean);
  const headline = `${counts.join(' and ')}${ranOut ? `, and ${poolName(ranOut)} ran out` : ''}.`;
  return { headline, detail: `${claim(sure.find((finding) => !isConsequence(finding, sure)) ?? worst)}.` };
}

/** Of a leak that is a finding of its own. */
function isConsequence(finding: Finding, all: readonly Finding[]): boolean {
  const { library, pool } = finding;
  return (
    matterOf(finding) === 'exhaustion' &&
    all.some((other) => matterOf(other) === 'resource' && other.library === library && other.pool === pool)
  );
}

export function countByCertainty(report: Report): Record<Certainty, number> {
  const counts: Record<Certainty, number> = { proven: 0, likely: 0, suspect: 0 };
  for (const finding of report.findings) counts[finding.certainty]++;
  return counts;
}

/** What the finding says of its line, without a full stop. */
function claim(finding: Finding): string {
  const where = place(finding);
  const verb = (one: string) => (finding.certainty === 'suspect' ? `may ${one}` : `${one}s`);
  switch (matterOf(finding)) {
    case 'deadlock':
      return `All ${amount(finding.count, 'connection')} of ${poolName(finding)} are held by code that waits for one more, ${where}`;
    case 'exhaustion':
      return exhaustion(finding, where);
    case 'transaction':
      return `${where} ${verb('leave')} ${plural(finding.count, 'transaction')} open in connections that it gave back`;
    case 'session': {
      const { one, many } = NATURES[finding.nature].words;
      return `${where} ${verb('leave')} ${number(finding.count)} ${finding.count === 1 ? one : many} in sessions that it gave back`;
    }
    case 'pools':
      return `${where} ${verb('use')} a new pool for each call: ${number(finding.count)} are open and idle`;
    case 'growth':
      return `${where} ${verb('add')} and nothing takes away: ${grownTo(finding)} by now`;
    default:
      return finding.before ? lost(finding) : keeps(finding, where, verb('keep'));
  }
}

function exhaustion(finding: Finding, where: string): string {
  const pool = finding.pool === null ? 'A pool' : `Pool ${finding.pool}`;
  const because = finding.exhausted ? `: ${CAUSES[finding.exhausted.cause]}` : '';
  return `${pool} ran out${because}, most of it held by ${where}`;
}

const CAUSES: Record<Cause, string> = {
  leak: 'its connections lie idle',
  'waiting elsewhere': 'its holders wait for something other than the database',
  'slow database': 'the database is slow',
  storm: 'a storm of acquires',
  'too small': 'too small for this work',
  deadlock: 'all who hold it wait for it',
};

function poolName({ pool }: Finding): string {
  return pool === null ? 'a pool' : `pool ${pool}`;
}

function lost(finding: Finding): string {
  const { count, kind } = finding;
  return `${amount(count, kind)} of ${poolName(finding)}, taken before outlive came, ${count === 1 ? 'is' : 'are'} lost`;
}

function keeps(finding: Finding, where: string, verb: string): string {
  const about = finding.estimated ? 'about ' : '';
  const held = `${about}${amount(finding.count, finding.kind)}`;
  const [scope, ...others] = finding.scopes.toSorted((a, b) => b.leaked - a.leaked);
  if (scope && scope.leaked > 0) {
    const one = others.length === 0 && finding.count === scope.leaked;
    const rest = others.length ? ` and by ${plural(others.length, 'other scope')}` : '';
    return one
      ? `${where} ${verb} 1 ${noun(1, finding.kind)} in ${shareOf(scope)}`
      : `${where} ${verb} ${held}, left by ${shareOf(scope)}${rest}`;
  }
  if (finding.acquired < finding.count || finding.acquired === 0) return `${where} ${verb} ${held}`;
  return `${where} ${verb} ${about}${number(finding.count)} of the ${amount(finding.acquired, finding.kind)} it acquired`;
}

function inconclusive({ unseen }: Report): Verdict {
  const [first, second, ...others] = [...new Set(unseen.map(({ what }) => what))];
  const more = others.length > 0 ? `${number(others.length + 1)} more` : second;
  const all = [first, more].filter((what) => what !== undefined).join(' and ');
  return { headline: 'Inconclusive.', detail: `Nothing was found, but too little was seen to call it clean: ${all}.` };
}

function cleanVerdict(report: Report): Verdict {
  if (report.processes.length === 0) return { headline: 'Nothing to judge.', detail: 'No process was recorded.' };
  const connections = report.watched.filter(({ kind, acquired }) => kind === 'connection' && acquired > 0);
  const counted = connections.length ? connections : report.watched;
  const acquired = counted.reduce((sum, watched) => sum + watched.acquired, 0);
  const released = counted.reduce((sum, watched) => sum + watched.released, 0);
  if (acquired === 0) return { headline: 'No leak found,', detail: 'but the probe saw nothing being acquired.' };
  const what = connections.length ? noun(acquired, 'connection') : acquired === 1 ? 'resource' : 'resources';
  const detail =
    released >= acquired
      ? `${acquired === 1 ? 'The one' : `All ${number(acquired)}`} ${what} acquired ${acquired === 1 ? 'was' : 'were'} released.`
      : `${number(released)} of ${number(acquired)} ${what} acquired were released; nothing suggests that the other ${number(acquired - released)} leaked.`;
  return { headline: 'No leak found.', detail };
}

/** `mysql2 3.11.0: It holds connections to databases, and no adapter watches them.` */
export function unseenSentence({ what, why }: Report['unseen'][number]): string {
  return `${what}: ${why}`;
}

/** What the verdict could not see or may have missed, one sentence each; empty when nothing is known to be missing. */
export function gaps(report: Report): string[] {
  const sentences = [...report.unseen.map(unseenSentence), ...report.problems];
  for (const [what, count] of Object.entries(report.dropped)) {
    if (count > 0) sentences.push(`Dropped to stay cheap: ${number(count)} ${what}.`);
  }
  for (const process of report.processes) {
    const who = processName(process);
    if (process.faults > 0) {
      sentences.push(`${who}: the probe caught ${plural(process.faults, 'fault')} of its own and went on without.`);
    }
    sentences.push(...ending(who, process, report));
    if (process.late) sentences.push(`${who} was only watched for a while: of what came before, what pools had lent.`);
    else if (process.end === 'running') sentences.push(`${who} was still running: this is what was known so far.`);
  }
  for (const what of new Set(report.processes.flatMap((process) => process.unsupported))) {
    sentences.push(`Not available here: ${what}.`);
  }
  return sentences;
}

function ending(who: string, process: ReportProcess, { load }: Report): string[] {
  if (process.endedBy === 'heap limit') return [outOfMemory(who, process)];
  if (process.end !== 'signal') return [];
  const kept = keptAliveWords(process.keptAliveBy ?? [], (file) => basename(file));
  const keepers = kept && ` It was kept alive by: ${kept}.`;
  const signal = process.endedBy ?? 'a signal';
  // a soak judges at rest before it stops what it started; a job that it soaks should have ended by itself
  if (!load) return [`${who} was ended by ${signal}: its last second may be missing.${keepers}`];
  return load.kind === 'commands' && keepers ? [`${who} was stopped.${keepers}`] : [];
}

function outOfMemory(who: string, { thread, heapLimit }: ReportProcess): string {
  const limit = heapLimit === null ? 'limit' : `limit of ${number(Math.round(heapLimit / 1024 / 1024))} MB`;
  const how = thread > 0 ? 'Node.js ended it' : 'V8 aborted it (SIGABRT)';
  return `${who}: the heap ${limit} was reached, and ${how}. Its last second may be missing.`;
}
