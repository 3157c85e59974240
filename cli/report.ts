import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { storeReport } from '../probe/recording/assemble.ts';
import { isOwn, writeOwn } from '../probe/recording/own.ts';
import { REPORT_SCHEMA, type Report } from '../probe/recording/report.ts';
import { isFile } from '../reports/collector-logs.ts';
import { compare } from '../reports/compare.ts';
import { type RunReport, reportBelow } from '../reports/run.ts';
import { whyNot } from '../reports/why.ts';
import { UserError } from '../user-error.ts';
import { FORMAT_NAMES, FORMATS, type FormatName, formatOf, type Outcome } from './formats.ts';
import { helpOf, type Options, parse, type Values } from './options.ts';
import { exitCodeOf, FAIL_ON, printSummary, shortPath } from './output.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = {
  output: {
    short: 'o',
    value: 'FILE',
    multiple: true,
    check: writable,
    help: 'what to write, else DIR/report.html; the ending says how: .html, .json, .xml (JUnit), .sarif, .md or .llm.md',
  },
  format: { value: 'NAME', allowed: FORMAT_NAMES, help: 'print it on stdout instead' },
  json: { help: 'the same as --format json' },
  llm: { help: 'the same as --format llm: compact Markdown for a language model, with code, path and fix' },
  baseline: {
    value: 'DIR',
    help: 'compare with an earlier run, or its report.json: what is fixed, new, still there',
  },
  failOn: { ...FAIL_ON, default: 'never', help: `${FAIL_ON.help}, with --baseline only on new ones` },
  why: {
    value: 'FILE:LINE',
    check: placeIn,
    help: 'say why nothing was found at a line: which evidence was sought, and what it came to',
  },
} as const satisfies Options;

const HELP = `Usage: outlive report DIR|LOGS... [options]

Turns the recordings in DIR, or below it, into report.json and one self-contained HTML file. Works on what a crash, a
kill -9 or a full disk left behind. Several folders are read as one run; of those below DIR, the newest of each program.
In place of a folder, a file of logs that an OpenTelemetry collector kept (OTLP in JSON): the findings in them.

${helpOf(OPTIONS)}

  outlive report .outlive/latest
  outlive report .outlive/latest -o report.html -o outlive.sarif -o junit.xml
  outlive report after/ --baseline before/ --fail-on likely

Exit code: 0, 1 with --fail-on, 2 wrong use or unreadable input.
`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('report', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const { values, positionals } = given;
  const [first] = positionals;
  if (first === undefined) throw new UserError('outlive report needs the folder of a run, such as .outlive/latest.');
  const format = formatToPrint(values);

  const { report, recordings } = positionals.length === 1 ? reportOne(first) : reportBelow(positionals);
  if (values.why !== undefined) {
    const { file, line } = values.why;
    process.stdout.write(`${whyNot(report, recordings, file, line).join('\n')}\n`);
    return EXIT_CLEAN;
  }
  const comparison = values.baseline === undefined ? null : compare(baseline(values.baseline), report, recordings);
  const outputs =
    values.output.length > 0 || format ? values.output : [writable(path.join(ownFolder(first), 'report.html'))];
  const outcome: Outcome = { report, recordings, comparison };
  for (const { file, render } of outputs) write(file, render(outcome));
  if (format) process.stdout.write(FORMATS[format].render(outcome));
  else {
    printSummary(report, comparison);
    for (const { file } of outputs) process.stdout.write(`${shortPath(path.resolve(file))}\n`);
  }
  const { verdict } = report;
  return exitCodeOf(comparison ? { findings: comparison.added, verdict } : report, values.failOn);
}

function formatToPrint({ json, llm, format }: Values<typeof OPTIONS>): FormatName | null {
  const flags: FormatName[] = [...(json ? ['json' as const] : []), ...(llm ? ['llm' as const] : [])];
  const [first = format ?? null, other = format ?? first] = flags;
  if (first === other) return first;
  const rival = flags.length > 1 ? `--${other}` : `--format ${other}`;
  throw new UserError(`--${first} and ${rival} exclude each other.`);
}

function placeIn(text: string): { file: string; line: number } {
  const [, file, line] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (!file) throw new UserError(`--why needs FILE:LINE, such as orders.js:12, not "${text}".`);
  return { file, line: Number(line) };
}

/** Found out before anything is read: reading may take long. */
function writable(file: string): { file: string; render: (outcome: Outcome) => string } {
  if (!statSync(path.dirname(path.resolve(file)), { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`There is no folder ${path.dirname(file)} to write ${path.basename(file)} in.`);
  }
  return { file, render: formatOf(file).render };
}

function ownFolder(where: string): string {
  const folder = isFile(where) ? path.dirname(where) : where;
  if (isOwn(statSync(folder))) return folder;
  throw new UserError(`${folder} belongs to another user; -o FILE says where to write.`);
}

function write(file: string, text: string): void {
  try {
    writeOwn(file, text);
  } catch (error) {
    throw new UserError(`${file} cannot be written (${(error as NodeJS.ErrnoException).code}); -o FILE names another.`);
  }
}

/** Of an earlier run: its folder, or the report.json that somebody kept. */
function baseline(where: string): Report {
  if (!statSync(where, { throwIfNoEntry: false })?.isFile()) return reportBelow([where]).report;
  let kept: unknown;
  try {
    kept = JSON.parse(readFileSync(where, 'utf8'));
  } catch {
    throw new UserError(`${where} is no report.json.`);
  }
  const { schema, findings, watched, scopes } = (kept ?? {}) as Partial<Report>;
  if (schema !== REPORT_SCHEMA || ![findings, watched, scopes].every(Array.isArray)) {
    throw new UserError(`${where} is no report.json of format ${REPORT_SCHEMA}.`);
  }
  return kept as Report;
}

function reportOne(folder: string): RunReport {
  const result = reportBelow([folder]);
  if (isFile(folder)) return result;
  try {
    storeReport(folder, result.report);
  } catch (error) {
    // a folder that cannot be written to can still be read
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof UserError) && code !== 'EACCES' && code !== 'EROFS' && code !== 'ENOSPC') throw error;
  }
  return result;
}
