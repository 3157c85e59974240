/** Says what is watched in a project, what is not, and why. */
import { checkUp, type Row } from '../project/checkup.ts';
import { lookAt } from '../project/look.ts';
import { helpOf, type Options, parseOptions } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = { json: { help: 'as JSON' } } as const satisfies Options;

const HELP = `Usage: outlive doctor [options]

Looks at the project in the working directory and says what is watched there, what is not, and why: tests, libraries,
what is Node.js's own, requests. Nothing of the project is run.

${helpOf(OPTIONS)}

  npx outlive doctor
`;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('doctor', args, OPTIONS);
  if (values === null) return printHelp(HELP);
  const rows = checkUp(lookAt(process.cwd()), process.version);
  const ordered = [...rows.filter(({ isWatched }) => !isWatched), ...rows.filter(({ isWatched }) => isWatched)];
  process.stdout.write(values.json ? `${JSON.stringify(ordered, null, 2)}\n` : ordered.map(inWords).join(''));
  return EXIT_CLEAN;
}

function inWords({ what, isWatched, why }: Row): string {
  return `${isWatched ? 'watched    ' : 'not watched'}  ${what}: ${why}\n`;
}
