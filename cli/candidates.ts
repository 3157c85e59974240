/** Lists where sources acquire something that some path does not release. Nothing is run. */
import { readFileSync } from 'node:fs';
import { type Candidate, candidatesIn, mayAcquire } from '../candidates/find.ts';
import { loadParser, type Parse } from '../candidates/parse.ts';
import { sourcesIn } from '../candidates/sources.ts';
import { visible } from '../reports/words.ts';
import { UserError } from '../user-error.ts';
import { helpOf, type Options, parse } from './options.ts';
import { shortPath } from './output.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, printHelp } from './usage.ts';

const OPTIONS = {
  json: { help: 'as JSON, with every path of a candidate' },
  strict: { help: 'exit with 1 when there are candidates' },
} as const satisfies Options;

const HELP = `Usage: outlive candidates [FOLDER] [options]

Reads the sources in FOLDER (default: the working directory) and lists where something is acquired and, on some path,
not released: a call that may throw before the release, an early return, a finally that is missing. It knows pg's
pool.connect(), getConnection() of mysql2 and oracledb, acquire() of generic-pool, transaction() of knex, open() of
fs.promises, and setInterval().

A candidate is no finding: nothing is run, and the path may never be taken. outlive soak --fail-path takes such paths
and says what stays open. Needs oxc-parser: npm install --save-dev oxc-parser.

${helpOf(OPTIONS)}

  npx outlive candidates src
`;

interface InFile extends Candidate {
  file: string;
}

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('candidates', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const [folder = '.', ...others] = given.positionals;
  if (others.length > 0) throw new UserError(`outlive candidates takes one folder, not also "${others[0]}".`);
  const files = sourcesIn(folder);
  if (files.length === 0) {
    throw new UserError(`There are no JavaScript or TypeScript sources in ${folder === '.' ? 'this folder' : folder}.`);
  }
  const parser = await loadParser();
  const all = files.flatMap((file) => candidatesOf(file, parser));
  const { json, strict } = given.values;
  process.stdout.write(json ? `${JSON.stringify(all, null, 2)}\n` : `${all.map(inWords).join('')}${total(all, files)}`);
  return strict && all.length > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

function candidatesOf(file: string, parser: Parse): InFile[] {
  const text = readFileSync(file, 'utf8');
  if (!mayAcquire(text)) return [];
  try {
    return candidatesIn(parser(file, text), text).map((candidate) => ({ file: shortPath(file), ...candidate }));
  } catch (error) {
    // a tree can be deeper than the stack
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    process.stderr.write(`outlive: ${visible(`${shortPath(file)} was not read: ${error.message}`)}\n`);
    return [];
  }
}

function inWords({ file, line, what, paths: [first, ...others] }: InFile): string {
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return `${visible(file)}:${line}  ${what}: ${first}${more}\n`;
}

function total(all: readonly InFile[], files: readonly string[]): string {
  const read = `${files.length} ${files.length === 1 ? 'file' : 'files'} read`;
  if (all.length === 0) return `No candidates, ${read}.\n`;
  const count = all.length === 1 ? '1 candidate' : `${all.length} candidates`;
  return `${count}, ${read}. A candidate is no finding: outlive soak --fail-path takes such paths.\n`;
}
