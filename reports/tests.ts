/** What the guards of a test run found → the report of that run: each line once, with all tests that left it open. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildReport } from '../probe/recording/build-report.ts';
import type { Finding, Report } from '../probe/recording/report.ts';
import { isTestsFile, type TestsEntry } from '../probe/recording/tests.ts';

type Told = Extract<TestsEntry, { t: 'leak' }>;

/** Tests that are named of one line. */
const MOST_TESTS = 10;

/** Null where no tests were guarded. */
export function reportOfTests(folder: string): Report | null {
  const names = testsFilesIn(folder);
  if (names.length === 0) return null;
  const problems: string[] = [];
  const entries = names.flatMap((name) => readEntries(path.join(folder, name), problems));
  const report = buildReport([], problems);
  report.findings = merged(entries.filter((entry): entry is Told => entry.t === 'leak'));
  if (report.findings.length > 0) report.verdict = 'leak';
  return report;
}

function testsFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isTestsFile).sort();
  } catch {
    return [];
  }
}

/** The last line of a process that was killed may be cut. */
function readEntries(file: string, problems: string[]): TestsEntry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as TestsEntry];
      } catch {
        problems.push(`A line of ${path.basename(file)} cannot be read.`);
        return [];
      }
    });
}

function merged(told: readonly Told[]): Finding[] {
  const byId = new Map<string, Told[]>();
  for (const each of told) byId.set(each.finding.id, [...(byId.get(each.finding.id) ?? []), each]);
  const findings = [...byId.values()].map((list) => {
    const [first] = list as [Told, ...Told[]];
    const count = list.reduce((sum, { finding }) => sum + finding.count, 0);
    const isProven = list.some(({ finding }) => finding.certainty === 'proven');
    return {
      ...first.finding,
      ...{ count, acquired: count, certainty: isProven ? ('proven' as const) : first.finding.certainty },
      evidence: [sentence(list), ...first.finding.evidence],
    };
  });
  return findings.sort((a, b) => b.count - a.count);
}

function sentence(list: readonly Told[]): string {
  const names = [...new Set(list.map(({ test, kind }) => `the ${kind} "${nameOf(test)}"`))];
  const more = names.length > MOST_TESTS ? ` and ${names.length - MOST_TESTS} more` : '';
  return `Left open by ${names.slice(0, MOST_TESTS).join(', ')}${more}.`;
}

function nameOf(test: readonly string[]): string {
  return test.join(' › ') || 'the file';
}
