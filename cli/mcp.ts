import { createRequire } from 'node:module';
import { serve } from '../mcp/protocol.ts';
import { INSTRUCTIONS, toolsOn } from '../mcp/tools.ts';
import { isFile } from '../reports/collector-logs.ts';
import { reportRun } from '../reports/run.ts';
import { UserError } from '../user-error.ts';
import { helpOf, type Options, parse } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = {} as const satisfies Options;

const HELP = `Usage: outlive mcp [DIR]

Answers a language model about the recordings in DIR, or below it (default .outlive/latest): a server of the Model Context
Protocol on stdin and stdout. It lists findings, explains one with its code and fix, and says why a line is silent. It
reads only, and each question reads anew what the service has written by then.

  claude mcp add outlive -- npx outlive mcp
${helpOf(OPTIONS)}`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('mcp', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const [folder = '.outlive/latest', other] = given.positionals;
  if (other !== undefined) throw new UserError('outlive mcp takes one folder of recordings at most.');
  // a folder may be made later
  if (isFile(folder)) reportRun([folder]);
  const { version } = createRequire(import.meta.url)('outlive/package.json') as { version: string };
  const tools = toolsOn(folder, process.cwd());
  await serve({ name: 'outlive', version, instructions: INSTRUCTIONS, tools }, process.stdin, process.stdout);
  return EXIT_CLEAN;
}
