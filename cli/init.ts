/** Puts the line that guards the tests into the project's configuration, after showing it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Change, planFor } from '../project/configure.ts';
import { lookAt, packagesWithTests } from '../project/look.ts';
import { UserError } from '../user-error.ts';
import { helpOf, type Options, parseOptions } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = { yes: { short: 'y', help: 'write without asking' } } as const satisfies Options;

const HELP = `Usage: outlive init [options]

Looks at the project in the working directory (test runner, framework, libraries), shows the line that makes a test fail
when it leaks, and where it belongs, and writes it when you say so.

${helpOf(OPTIONS)}

  npx outlive init
`;

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('init', args, OPTIONS);
  if (values === null) return printHelp(HELP);
  const project = lookAt(process.cwd());
  if (project.runners.length === 0) {
    const packages = packagesWithTests(project);
    const where = packages.length > 0 ? `, but in ${packages.join(', ')}: run npx outlive init there` : '';
    throw new UserError(`No test runner was found here${where}; outlive guards node:test, Vitest, Jest and Mocha.`);
  }
  const { changes, done, byHand } = planFor(project);
  for (const runner of done) say(`${runner} is guarded already.`);
  for (const sentence of byHand) say(sentence);
  for (const change of changes) say(shown(change));
  if (changes.length > 0) {
    if (values.yes || (await isWanted())) {
      for (const { file, after } of changes) writeFileSync(file, after);
      say('Written. Run your tests; npx outlive doctor says what is watched.');
    } else say('Nothing is written; --yes writes it.');
  }
  if (project.frameworks.length > 0) {
    say(`The service itself (${project.frameworks.join(', ')}) is watched with: node --require outlive/register`);
  }
  return EXIT_CLEAN;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** As a diff of whole lines: what is added is in one place, or one line is another one. */
function shown({ file, before, after }: Change): string {
  const [old, now] = [before?.split('\n') ?? [], after.split('\n')];
  const head = now.findIndex((line, i) => line !== old[i]);
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const lines = [
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+ ${line}`),
  ];
  return [`${path.basename(file)}${before === null ? ' (new)' : ''}`, ...lines.map((line) => `  ${line}`)].join('\n');
}

async function isWanted(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await terminal.question('Write it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
