/** The counts of a run as text for people. */
import type { PipelineCounts } from './pipeline.ts';

export function summary({ ingest, rules, deliver, correlate }: PipelineCounts): string {
  const lines = [
    'replayed' in ingest
      ? `Dead letters replayed: ${ingest.replayed}`
      : `Files read: ${ingest.files}${ingest.filesBefore ? ` (${ingest.filesBefore} were complete before)` : ''}`,
    ...table('Records by source', ingest.records),
    ...table('Dead letters by reason', ingest.deadLetters),
    ...(sum(rules.deadLetters) > 0 ? table('Records that could not be judged, by reason', rules.deadLetters) : []),
    ...table('Results by rule', rules.results),
    ...table(
      'Delivered by region',
      Object.fromEntries(Object.entries(deliver).map(([region, { delivered }]) => [region, delivered])),
    ),
    `Insights made or changed: ${correlate.insights} (of ${correlate.results} results)`,
  ];
  for (const [region, { problem }] of Object.entries(deliver)) {
    if (problem) lines.push(`The sink of ${region} failed; a further run delivers the rest: ${problem}`);
  }
  if (rules.failedLookUps) lines.push(`Asset look-ups that failed: ${rules.failedLookUps}`);
  return `${lines.join('\n')}\n`;
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

/** Largest first. */
function table(title: string, counts: Record<string, number>): string[] {
  const rows = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return [`${title}: ${sum(counts)}`, ...rows.map(([name, n]) => `  ${name.padEnd(width)}  ${String(n).padStart(8)}`)];
}
