import { SCENARIOS } from '../scenarios/catalog.ts';
import { helpOf, type Options, parseOptions } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = { json: { help: 'as JSON, with the story of each' } } as const satisfies Options;

const HELP = `Usage: outlive scenarios [options]

Lists the incidents that outlive soak can replay.

${helpOf(OPTIONS)}
`;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('scenarios', args, OPTIONS);
  if (values === null) return printHelp(HELP);
  if (values.json) {
    const all = SCENARIOS.map(({ name, title, story }) => ({ name, title, story }));
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  } else {
    for (const { name, title } of SCENARIOS) process.stdout.write(`${name.padEnd(18)} ${title}\n`);
  }
  return EXIT_CLEAN;
}
