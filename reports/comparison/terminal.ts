/** The comparison as a table for people at a terminal. */
import { duration, number, percent, plural } from '../words.ts';
import type { Comparison, Measured } from './comparison.ts';
import { rowsOf, variantsOf } from './rows.ts';

export function comparisonTable(comparison: Comparison): string {
  const variants = variantsOf(comparison).map((runs) => runs.at(-1)!);
  const { runs, seed, loads, server, machine, sizing, scaledDown } = comparison;
  const head = ['', ...variants.map(({ variant }) => variant)];
  const rows = rowsOf(comparison).map(({ label, cells }) => [label, ...cells]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return [
    line(head),
    line(widths.map((width) => '─'.repeat(width))),
    ...rows.map(line),
    '',
    ...(runs.length > 1 ? [`The middle one of ${runs.length} runs.`] : []),
    ...loads.map(
      ({ name, hash, transactions, words }) =>
        `Offered in the ${name}: ${number(transactions)} transactions in ${words} (seed ${seed}, work ${hash}).`,
    ),
    `On ${server}; ${machine}.`,
    ...sizing,
    ...(scaledDown === null ? [] : [scaledDown]),
    '',
    ...variants.flatMap(whyItFailed),
    ...variants.flatMap(whoWaited),
  ].join('\n');
}

function whyItFailed({ variant, errors }: Measured): string[] {
  if (errors.length === 0) return [];
  return [
    `${variant}: ${plural(
      errors.reduce((sum, { count }) => sum + count, 0),
      'error',
    )}`,
    ...errors.flatMap(({ sentence, said }) => [
      `  ${sentence}`,
      ...said.map(({ text, count }) => `    ${number(count)} × ${text}`),
    ]),
    '',
  ];
}

/** A job that waited for long, and for whom. */
function whoWaited({ variant, waits }: Measured): string[] {
  const lines = waits
    .filter(({ wait }) => wait.p99 >= NOTEWORTHY_MS)
    .map(({ job, wait, waitedFor }) => `  ${job} waited ${duration(wait.p99)} at p99, ${forWhom(waitedFor)}`);
  return lines.length ? [`${variant}: who made whom wait`, ...lines, ''] : [];
}

const NOTEWORTHY_MS = 100;

export function forWhom(waitedFor: Measured['waits'][number]['waitedFor']): string {
  const parts = waitedFor
    .filter(({ share }) => share >= 0.1)
    .map(({ job, share }) => `${percent(Math.round(share * 100) / 100)} of it for ${job === 'logon' ? 'logons' : job}`);
  return parts.join(', ') || 'for many a little';
}
