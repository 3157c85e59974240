import { statSync } from 'node:fs';
import path from 'node:path';
import { whyNot } from '../probe/recording/why.ts';
import { type RunReport, reportRun, writeRunReport } from '../reports/run.ts';
import { printSummary, shortPath, writeHtml } from './output.ts';
import { EXIT_CLEAN, parse, UsageError } from './usage.ts';

const HELP = `Usage: outlive report DIR... [-o FILE] [--json] [--why FILE:LINE]

Turns the recordings in DIR into report.json and one self-contained HTML file. Works on what a crash, a kill -9 or a
full disk left behind. Several folders are read as one run.

  -o, --output FILE   the HTML file (default DIR/report.html)
      --json          print report.json on stdout, write no HTML
      --why FILE:LINE say why nothing was found at a line: which evidence was sought, and what it came to

  outlive report .outlive/latest
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse('report', args, {
    output: { type: 'string', short: 'o' },
    json: { type: 'boolean' },
    why: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT_CLEAN;
  }
  const [first] = positionals;
  if (first === undefined) throw new UsageError('outlive report needs the folder of a run, such as .outlive/latest.');
  const { report, recordings } = positionals.length === 1 ? reportOne(first) : reportRun(positionals);
  if (values.why !== undefined) {
    const [, file, line] = /^(.+):(\d+)$/.exec(values.why) ?? [];
    if (!file) throw new UsageError(`--why needs FILE:LINE, such as orders.js:12, not "${values.why}".`);
    process.stdout.write(`${whyNot(report, recordings, file, Number(line)).join('\n')}\n`);
    return EXIT_CLEAN;
  }
  if (values.json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return EXIT_CLEAN;
  }
  const output = values.output ?? path.join(first, 'report.html');
  if (!statSync(path.dirname(path.resolve(output)), { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`There is no folder ${path.dirname(output)} to write ${path.basename(output)} in.`);
  }
  printSummary(report);
  process.stdout.write(`${shortPath(writeHtml(output, report, recordings))}\n`);
  return EXIT_CLEAN;
}

function reportOne(folder: string): RunReport {
  try {
    return writeRunReport(folder);
  } catch (error) {
    // a folder that cannot be written to can still be read
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EROFS' && code !== 'ENOSPC') throw error;
    return reportRun([folder]);
  }
}
