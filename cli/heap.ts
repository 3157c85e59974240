/** Compares heap snapshots of one process, or of each of a run: what there is more of, and who holds it. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { compare } from '../heap/compare.ts';
import { type Compared, readSnapshots } from '../heap/of-run.ts';
import { readSnapshot } from '../heap/snapshot.ts';
import type { Grown, Holder } from '../probe/recording/reach.ts';
import { snapshotsAmong } from '../probe/recording/snapshot-names.ts';
import { number, visible } from '../reports/words.ts';
import { UserError } from '../user-error.ts';
import { helpOf, type Options, parse } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = { json: { help: 'as JSON' } } as const satisfies Options;

const HELP = `Usage: outlive heap BEFORE AFTER [options]
       outlive heap DIR [options]

Says what there is more of in AFTER than in BEFORE, two heap snapshots of one process, and who holds it. BEFORE is the
clean slate: taken when the service had warmed up and was at rest; AFTER some hours later. Any writer's will do:
outlive run --heapdump, node --heapsnapshot-signal=SIGUSR2, v8.writeHeapSnapshot(), the heapdump package, Chrome.

Of DIR, the folder of a run, the oldest snapshot of each process is compared with its newest. Who holds what is open is
in the report then: outlive report DIR.

${helpOf(OPTIONS)}

  npx outlive heap warm.heapsnapshot later.heapsnapshot
  npx outlive heap .outlive/latest
`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('heap', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const [before, after, ...others] = given.positionals;
  const found = before === undefined ? undefined : statSync(before, { throwIfNoEntry: false });
  if (before !== undefined && found === undefined) throw new UserError(`There is no ${before}.`);
  const isFolder = found?.isDirectory() === true;
  if (before === undefined || others.length > 0 || isFolder !== (after === undefined)) {
    throw new UserError(
      'outlive heap needs two snapshots, or the folder of a run: outlive heap BEFORE.heapsnapshot AFTER.heapsnapshot.',
    );
  }
  const all = after === undefined ? ofRun(before) : [compared(before, after)];
  if (given.values.json) {
    process.stdout.write(`${JSON.stringify(isFolder ? all : all[0]?.grown, null, 2)}\n`);
    return EXIT_CLEAN;
  }
  for (const { before: earlier, after: later, grown: more, holders } of all) {
    if (isFolder) process.stdout.write(`${path.basename(earlier)} → ${path.basename(later)}\n`);
    process.stdout.write(more.length > 0 ? more.map(inWords).join('') : 'There is no more of anything.\n');
    process.stdout.write(holders.map(holderInWords).join(''));
  }
  return EXIT_CLEAN;
}

function compared(before: string, after: string): Compared {
  return { before, after, ...compare(readSnapshot(before), readSnapshot(after)) };
}

/** Throws `UserError` where there are no two of one process, or none of them can be read. */
function ofRun(folder: string): Compared[] {
  const files = snapshotsAmong(readdirSync(folder));
  if (files.size === 0) {
    throw new UserError(`${folder} has no heap snapshots; outlive run --heapdump writes one for each SIGUSR2.`);
  }
  if (![...files.values()].some((ofThread) => ofThread.length > 1)) {
    throw new UserError(`${folder} has one heap snapshot of each process; a later one is what to compare it with.`);
  }
  const { compared: all, problems } = readSnapshots(folder);
  for (const problem of problems) process.stderr.write(`outlive: ${problem}\n`);
  return all;
}

function inWords({ name, count, bytes, held }: Grown): string {
  const lines = held.map((words) => `  held by ${visible(words)}\n`);
  return `${number(count)} more ${visible(name)}, ${kilobytes(bytes)}\n${lines.join('')}`;
}

function holderInWords({ held, bytes, lines }: Holder): string {
  const places = lines.map(({ file, line }) => `  see ${visible(file)}:${line}\n`);
  return `${kilobytes(bytes)} of what is new held by ${visible(held)}\n${places.join('')}`;
}

function kilobytes(bytes: number): string {
  return bytes < 1e6 ? `${number(Math.round(bytes / 1e3))} kB` : `${number(Math.round(bytes / 1e5) / 10)} MB`;
}
