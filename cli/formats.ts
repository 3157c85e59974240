/** Every form that a report can take, each with what its files are called. */
import path from 'node:path';
import type { Recording } from '../probe/recording/format.ts';
import type { Report } from '../probe/recording/report.ts';
import type { Comparison } from '../reports/compare.ts';
import { renderHtml } from '../reports/html/render.ts';
import { renderJUnit } from '../reports/junit.ts';
import { renderLlm } from '../reports/llm.ts';
import { renderMarkdown } from '../reports/markdown.ts';
import { renderSarif } from '../reports/sarif.ts';
import { UserError } from '../user-error.ts';
import { either } from './checks.ts';

export interface Outcome {
  report: Report;
  recordings: Recording[];
  /** Null without a baseline. */
  comparison: Comparison | null;
}

interface Format {
  ending: string;
  render(outcome: Outcome): string;
}

export const FORMATS = {
  html: {
    ending: '.html',
    render: ({ report, recordings, comparison }) => renderHtml(report, recordings, comparison),
  },
  json: { ending: '.json', render: renderJson },
  junit: { ending: '.xml', render: ({ report }) => renderJUnit(report, process.cwd()) },
  sarif: { ending: '.sarif', render: ({ report, comparison }) => renderSarif(report, process.cwd(), comparison) },
  llm: { ending: '.llm.md', render: ({ report }) => renderLlm(report, process.cwd()) },
  markdown: { ending: '.md', render: ({ report, comparison }) => renderMarkdown(report, process.cwd(), comparison) },
} as const satisfies Record<string, Format>;
export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

/** By the ending of a file's name. */
export function formatOf(file: string): Format {
  const name = path.basename(file).toLowerCase();
  const format = Object.values<Format>(FORMATS).find(({ ending }) => name.endsWith(ending));
  if (format) return format;
  const endings = Object.values(FORMATS).map((each) => each.ending);
  throw new UserError(`The ending of ${file} has to say what to write: ${either(endings)}.`);
}

function renderJson({ report, comparison }: Outcome): string {
  const ids = (findings: readonly { id: string }[]) => findings.map(({ id }) => id);
  const compared = comparison && {
    comparison: {
      fixed: ids(comparison.fixed),
      unreached: ids(comparison.unreached),
      new: ids(comparison.added),
      remaining: ids(comparison.remaining.map(({ after }) => after)),
      isComparable: comparison.isComparable,
      work: comparison.work,
    },
  };
  return `${JSON.stringify({ ...report, ...compared }, null, 2)}\n`;
}
