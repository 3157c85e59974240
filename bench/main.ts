/** `npm run bench`: what the probe costs, in CPU time. See docs/cost.md. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type EmbeddedPostgres, startPostgres } from '../pipeline/store/embedded.ts';
import { pinDriver } from './pin.ts';
import { measure, type Result, ROWS, type Session, type Unit } from './rows.ts';
import type { Estimate } from './statistics.ts';
import { removeSubjects } from './subject.ts';
import { ROOT, variantsOf } from './variants.ts';

const HELP = `npm run bench -- [--only ROW]... [--rounds N] [--json] [--probe FOLDER]

Measures CPU time with the probe and without it, paired. The control is the bare program against itself.

  --only ROW      one of ${ROWS.map(({ name }) => name).join(', ')}
  --rounds N      fresh processes so many times (default: by row)
  --json          print JSON
  --probe FOLDER  a built probe other than dist/probe
`;

function wrong(sentence: string): never {
  process.stderr.write(`bench: ${sentence}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        json: { type: 'boolean', default: false },
        probe: { type: 'string', default: path.join(ROOT, 'dist/probe') },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return wrong(`${(error as Error).message}.`);
  }
}

const { only, rounds, json, probe, help } = readArguments();
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const unknown = only?.find((name) => !ROWS.some((row) => row.name === name));
if (unknown !== undefined) wrong(`--only must be one of ${ROWS.map(({ name }) => name).join(', ')}, not "${unknown}".`);
if (rounds !== undefined && !/^[1-9]\d{0,2}$/.test(rounds)) {
  wrong(`--rounds must be a whole number from 1 to 999, not "${rounds}".`);
}
if (!existsSync(path.join(probe, 'register.js'))) wrong(`No built probe in ${probe}: npm run build.`);

pinDriver();
let postgres: Promise<EmbeddedPostgres> | undefined;
const session: Session = {
  variants: variantsOf(path.resolve(probe)),
  databaseUrl: async () => {
    postgres ??= startPostgres({ fsync: false });
    return (await postgres).url;
  },
  progress: (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`),
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // the private PostgreSQL ends with this process
    removeSubjects();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

const results: Result[] = [];
try {
  for (const row of ROWS.filter(({ name }) => only?.includes(name) ?? true)) {
    const result = await measure(row, Number(rounds ?? row.rounds), session);
    results.push(result);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (!json) process.stdout.write(`${text(result)}\n`);
  }
} finally {
  await (await postgres)?.stop();
}
if (json) process.stdout.write(`${JSON.stringify({ node: process.version, rows: results }, null, 2)}\n`);

function text({ name, what, unit, variants, isResolved }: Result): string {
  const lines = variants.map(
    (variant) => `  ${variant.name.padEnd(20)} ${figure(variant.estimate, unit)}${said(variant.account, unit)}`,
  );
  return [`${name}: ${what}${isResolved ? '' : ' (not resolved)'}`, ...lines].join('\n');
}

function said(account: number | null, unit: Unit): string {
  return account === null ? '' : `, by its own account +${account.toFixed(3)} ${unit}`;
}

function figure({ value, low, high }: Estimate, unit: Unit): string {
  const digits = unit === 'bytes' ? 0 : unit === 'ms' ? 1 : 3;
  const [middle, least, most] = [value, low, high].map((number) => number.toFixed(digits));
  return `${unit === 'ratio' ? '×' : '+'}${middle}${unit === 'ratio' ? '' : ` ${unit}`} [${least}, ${most}]`;
}
