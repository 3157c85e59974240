/** The counts of a run as text for people. */
import type { PipelineCounts } from './pipeline.ts';

export function summary({ ingest, rules, deliver, correlate }: PipelineCounts): string {
  const lines = [
    `Files read: ${ingest.files}${ingest.filesBefore ? ` (${ingest.filesBefore} were complete before)` : ''}`,
    ...table('Records by source', ingest.records),
    ...table('Dead letters by reason', ingest.deadLetters),
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

/** Largest first. */
function table(title: string, counts: Record<string, number>): string[] {
  const rows = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  const total = rows.reduce((sum, [, n]) => sum + n, 0);
  return [`${title}: ${total}`, ...rows.map(([name, n]) => `  ${name.padEnd(width)}  ${String(n).padStart(8)}`)];
}
