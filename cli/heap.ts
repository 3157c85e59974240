/** Compares two heap snapshots of one process: what there is more of, and who holds it. */
import { grown } from '../heap/growth.ts';
import { Reach } from '../heap/reach.ts';
import { readSnapshot } from '../heap/snapshot.ts';
import type { Grown } from '../probe/recording/reach.ts';
import { number, visible } from '../reports/words.ts';
import { UserError } from '../user-error.ts';
import { helpOf, type Options, parse } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = { json: { help: 'as JSON' } } as const satisfies Options;

const HELP = `Usage: outlive heap BEFORE AFTER [options]

Says what there is more of in AFTER than in BEFORE, two heap snapshots of one process, and who holds it: the first taken
when the service had warmed up, the other after some hours. Any writer's will do: node --heapsnapshot-signal=SIGUSR2,
v8.writeHeapSnapshot(), the heapdump package, Chrome.

${helpOf(OPTIONS)}

  npx outlive heap warm.heapsnapshot later.heapsnapshot
`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('heap', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const [before, after, ...others] = given.positionals;
  if (before === undefined || after === undefined || others.length > 0) {
    throw new UserError('outlive heap needs two snapshots: outlive heap BEFORE.heapsnapshot AFTER.heapsnapshot.');
  }
  const later = readSnapshot(after);
  const all = grown(readSnapshot(before), later, new Reach(later));
  if (given.values.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
  else process.stdout.write(all.length > 0 ? all.map(inWords).join('') : 'There is no more of anything.\n');
  return EXIT_CLEAN;
}

function inWords({ name, count, bytes, held }: Grown): string {
  const lines = held.map((words) => `  held by ${visible(words)}\n`);
  return `${number(count)} more ${visible(name)}, ${kilobytes(bytes)}\n${lines.join('')}`;
}

function kilobytes(bytes: number): string {
  return bytes < 1e6 ? `${number(Math.round(bytes / 1e3))} kB` : `${number(Math.round(bytes / 1e5) / 10)} MB`;
}
