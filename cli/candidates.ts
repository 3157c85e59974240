/** Lists where sources acquire something that some path does not release; with `--confirm`, what executions say of it. */
import { readFileSync } from 'node:fs';
import { mayAcquire, tracedIn } from '../candidates/find.ts';
import { loadParser, type Parse } from '../candidates/parse.ts';
import { sourcesIn } from '../candidates/sources.ts';
import { visible } from '../reports/words.ts';
import { UserError } from '../user-error.ts';
import { counted, inWords, type Traced } from './candidate-words.ts';
import { milliseconds, named } from './checks.ts';
import { helpOf, type Options, parse, splitAtDashes, type Values } from './options.ts';
import { shortPath } from './output.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, printHelp } from './usage.ts';

const OPTIONS = {
  confirm: { help: 'run the command after -- again and again, and say of each candidate what came of it' },
  limit: { value: 'T', default: '5m', check: milliseconds(100), help: 'with --confirm: how long one run may take' },
  out: {
    value: 'DIR',
    check: named('folder'),
    help: 'with --confirm: where the test of each that is confirmed is written, and its patch',
  },
  json: { help: 'as JSON, with every path of a candidate' },
  strict: { help: 'exit with 1 when there are candidates' },
} as const satisfies Options;

const HELP = `Usage: outlive candidates [FOLDER] [options]
       outlive candidates [FOLDER] --confirm [options] -- COMMAND ARGS...

Reads the sources in FOLDER (default: the working directory) and lists where something is acquired and, on some path,
not released: a call that may throw before the release, an early return, a finally that is missing. It knows pg's
pool.connect(), getConnection() of mysql2 and oracledb, acquire() of generic-pool, transaction() of knex, open() of
fs.promises, and setInterval().

A candidate is no finding: nothing is run, and the path may never be taken. With --confirm the command, such as your
tests, takes it: it is run under the probe, and then once for each query, connect and HTTP request that it makes between
acquiring and releasing, which is made to fail. Each candidate is then

  confirmed    something stays open at that very line, in an execution; with a patch where one turned a test of it,
               in a copy of the project, from red to green
  dropped      the line ran, its paths were forced, and all came back
  not reached  the command never ran the line, or nothing could force a path

Needs oxc-parser: npm install --save-dev oxc-parser.

${helpOf(OPTIONS)}

  npx outlive candidates src
  npx outlive candidates src --confirm -- npm test

Exit code: 0; 1 with --confirm when something is confirmed, with --strict when there are candidates; 2 wrong use.
`;

export async function main(args: readonly string[]): Promise<number> {
  const { own, program } = splitAtDashes(args);
  const given = parse('candidates', own, OPTIONS);
  if (given === null) return printHelp(HELP);
  const [folder = '.', ...others] = given.positionals;
  if (others.length > 0) throw new UserError(`outlive candidates takes one folder, not also "${others[0]}".`);
  const command = commandOf(given.values, program);
  const files = sourcesIn(folder);
  if (files.length === 0) {
    throw new UserError(`There are no JavaScript or TypeScript sources in ${folder === '.' ? 'this folder' : folder}.`);
  }
  const parser = await loadParser();
  const all = files.flatMap((file) => candidatesOf(file, parser));
  const { json, strict, limit: limitMs, out = null } = given.values;
  if (command !== null && all.length > 0) {
    const { confirmCandidates } = await import('./confirm-candidates.ts');
    return confirmCandidates(all, { command, limitMs, json, out });
  }
  const listed = all.map(({ file, candidate }) => ({ file, ...candidate }));
  const words = () => `${listed.map(inWords).join('')}${total(listed.length, files.length)}`;
  process.stdout.write(json ? `${JSON.stringify(listed, null, 2)}\n` : words());
  return strict && all.length > 0 ? EXIT_FINDINGS : EXIT_CLEAN;
}

/** What confirms them; null where nothing is to be run. */
function commandOf({ confirm, strict, out }: Values<typeof OPTIONS>, command: readonly string[]) {
  const [program, ...args] = command;
  if (!confirm) {
    if (out !== undefined) throw new UserError('outlive candidates writes to a folder only with --confirm.');
    if (program === undefined) return null;
    throw new UserError('outlive candidates runs a command only with --confirm, before the --.');
  }
  if (strict) throw new UserError('outlive candidates takes either --strict or --confirm, not both.');
  if (program !== undefined) return [program, ...args] as const;
  throw new UserError('--confirm needs a command after --, as in: outlive candidates src --confirm -- npm test.');
}

function candidatesOf(file: string, parser: Parse): Traced[] {
  const text = readFileSync(file, 'utf8');
  if (!mayAcquire(text)) return [];
  try {
    return tracedIn(parser(file, text), text).map((traced) => ({ file: shortPath(file), ...traced }));
  } catch (error) {
    // a tree can be deeper than the stack
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    process.stderr.write(`outlive: ${visible(`${shortPath(file)} was not read: ${error.message}`)}\n`);
    return [];
  }
}

function total(candidates: number, files: number): string {
  const read = `${files} ${files === 1 ? 'file' : 'files'} read`;
  if (candidates === 0) return `No candidates, ${read}.\n`;
  return `${counted(candidates)}, ${read}. A candidate is no finding: outlive candidates --confirm takes such paths.\n`;
}
