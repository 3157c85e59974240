import { SCENARIOS } from '../scenarios/catalog.ts';
import { EXIT_CLEAN, parseOptions } from './usage.ts';

const HELP = `Usage: outlive scenarios [--json]

Lists the incidents that outlive soak can replay.
`;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('scenarios', args, { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } });
  if (values.help) process.stdout.write(HELP);
  else if (values.json)
    process.stdout.write(
      `${JSON.stringify(
        SCENARIOS.map(({ name, title, story }) => ({ name, title, story })),
        null,
        2,
      )}\n`,
    );
  else for (const { name, title } of SCENARIOS) process.stdout.write(`${name.padEnd(18)} ${title}\n`);
  return EXIT_CLEAN;
}
