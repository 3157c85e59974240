/** What a report says first: the verdict in words, and what weakens it. */
import type { Certainty } from '../probe/recording/format.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { amount, noun, number, place, plural, shareOf } from './words.ts';

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
  if (!worst) return cleanVerdict(report);
  const counts = countByCertainty(report);
  const leaks = counts.proven + counts.likely;
  if (leaks === 0) {
    return {
      headline: `${plural(counts.suspect, 'suspect')}, no certain leak.`,
      detail: `${keeps(worst, 'may keep')}.`,
    };
  }
  return { headline: `${plural(leaks, 'leak')}.`, detail: `${keeps(worst, 'keeps')}.` };
}

export function countByCertainty(report: Report): Record<Certainty, number> {
  const counts: Record<Certainty, number> = { proven: 0, likely: 0, suspect: 0 };
  for (const finding of report.findings) counts[finding.certainty]++;
  return counts;
}

function keeps(finding: Finding, verb: string): string {
  const where = place(finding);
  const about = finding.estimated ? 'about ' : '';
  const held = `${about}${amount(finding.count, finding.kind)}`;
  if (finding.detector === 'hold-and-wait') return `${where} holds ${held} and waits for another`;
  if (finding.detector === 'pool-exhausted') return `${where} found its pool exhausted, ${held} held`;
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

function cleanVerdict(report: Report): Verdict {
  if (report.processes.length === 0) return { headline: 'Nothing to judge.', detail: 'No process was recorded.' };
  const connections = report.watched.filter((watched) => watched.kind === 'connection' && watched.acquired > 0);
  const counted = connections.length ? connections : report.watched;
  const acquired = counted.reduce((sum, watched) => sum + watched.acquired, 0);
  const released = counted.reduce((sum, watched) => sum + watched.released, 0);
  if (acquired === 0) return { headline: 'No leak found,', detail: 'but the probe saw nothing being acquired.' };
  const what = connections.length ? noun(acquired, 'connection') : acquired === 1 ? 'resource' : 'resources';
  const detail =
    released >= acquired
      ? `${acquired === 1 ? 'The one' : `All ${number(acquired)}`} ${what} acquired ${acquired === 1 ? 'was' : 'were'} released.`
      : `${number(released)} of ${number(acquired)} ${what} acquired were released; no detector objects to the other ${number(acquired - released)}.`;
  return { headline: 'No leak found.', detail };
}

/** What the verdict could not see or may have missed, one sentence each; empty when nothing is known to be missing. */
export function gaps(report: Report): string[] {
  const sentences = [...report.problems];
  for (const [what, count] of Object.entries(report.dropped)) {
    if (count > 0) sentences.push(`Dropped to stay cheap: ${number(count)} ${what}.`);
  }
  for (const process of report.processes) {
    const who = `Process ${process.pid}${process.thread ? ` thread ${process.thread}` : ''}`;
    if (process.faults > 0) {
      sentences.push(`${who}: the probe caught ${plural(process.faults, 'fault')} of its own and went on without.`);
    }
    if (process.end === 'signal') sentences.push(`${who} was ended by a signal: its last second may be missing.`);
    if (process.end === 'running') sentences.push(`${who} was still running: this is what was known so far.`);
  }
  for (const what of new Set(report.processes.flatMap((process) => process.unsupported))) {
    sentences.push(`Not available here: ${what}.`);
  }
  return sentences;
}
