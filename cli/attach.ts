import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { attach, type Outcome } from '../attach/attach.ts';
import type { Guest } from '../attach/guest.ts';
import { handedOver } from '../attach/hand-over.ts';
import { findProcess } from '../attach/open.ts';
import { nodesBelow, type ProcessFacts } from '../attach/proc.ts';
import { intent, listed, others, poolLines } from '../attach/words.ts';
import { readSnapshots, removeSnapshots } from '../heap/of-run.ts';
import { readSettings } from '../probe/process/settings.ts';
import { removeIfEmpty } from '../probe/recording/folder.ts';
import { reportRun, writeRunReport } from '../reports/run.ts';
import { UserError } from '../user-error.ts';
import { milliseconds, wholeNumber } from './checks.ts';
import { helpOf, type Options, parse, type Values } from './options.ts';
import { exitCodeOf, FAIL_ON, OUT, openRunFolder, printSummary, shortPath, writeHtml } from './output.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, printHelp } from './usage.ts';

const OPTIONS = {
  for: { value: 'TIME', check: milliseconds(0), default: '10s', help: 'how long to watch, after the first look' },
  heal: { help: 'destroy connections that nobody can reach any more, and give their places back to the pool' },
  list: { help: 'only list what is open: nothing is collected, nothing is written' },
  snapshotMaxMb: {
    value: 'N',
    default: '32',
    check: wholeNumber(0, 4000),
    help: 'megabytes of heap up to which a snapshot tells who holds the connections that are not lost. 0: none',
  },
  yes: { short: 'y', help: 'do not ask; without a terminal nobody is asked' },
  out: OUT,
  failOn: FAIL_ON,
  json: { help: 'print report.json on stdout, or with --list what is open' },
} as const satisfies Options;

const HELP = `Usage: outlive attach PID [options]

Asks a Node.js process (20.19 or later) that runs already, without any preparation: how its pools stand, how many of
their connections nobody can reach any more, and which line leaks while it watches. Then it takes everything back.

${helpOf(OPTIONS)}

  outlive attach 4711
  outlive attach 4711 --heal --for 1m
  outlive attach 4711 --list

Exit code: 0 clean, 1 findings, 2 wrong use, or the process cannot be attached to.
`;

type Given = Values<typeof OPTIONS>;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('attach', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const { values, positionals } = given;
  const [text, other] = positionals;
  if (text === undefined || other !== undefined) {
    throw new UserError('outlive attach needs the pid of one process, as in: outlive attach 4711.');
  }
  const { problems } = readSettings(process.env);
  if (problems[0]) throw new UserError(problems[0]);
  const facts = findProcess(wholeNumber(1, 2 ** 31 - 1)(text, 'The pid'));
  process.stderr.write(`${intent(facts, { ...values, forMs: values.for })}\n${others(nodesBelow(facts.pid))}`);
  if (!values.yes && process.stdin.isTTY && process.stderr.isTTY && !(await isAgreed())) return EXIT_INTERRUPTED;
  return values.list ? list(facts, values) : watch(facts, values);
}

async function isAgreed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Go on? [y/N] ');
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

async function watch(facts: ProcessFacts, values: Given): Promise<number> {
  const out = openRunFolder(values.out);
  const outcome = await visit(facts, out, values, { OUTLIVE_HEAL: values.heal ? '1' : '0' }).catch((error) => {
    removeIfEmpty(out);
    throw error;
  });
  if (outcome.probedInto !== null) {
    removeIfEmpty(out);
    return ofOtherProbe(facts, outcome.probedInto, values);
  }
  if (outcome.hasEnded) process.stderr.write(`Process ${facts.pid} ended while it was watched.\n`);
  const { problems } = readSnapshots(out);
  removeSnapshots(out);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  const { report, recordings } = writeRunReport(out);
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    printSummary(report);
    process.stderr.write(`${shortPath(writeHtml(path.join(out, 'report.html'), report, recordings))}\n`);
  }
  return exitCodeOf(report, values.failOn);
}

async function list(facts: ProcessFacts, values: Given): Promise<number> {
  const out = mkdtempSync(path.join(tmpdir(), 'outlive-attach-'));
  try {
    const outcome = await visit(facts, out, values, { OUTLIVE_PROOF: 'off', OUTLIVE_GC: 'off' });
    if (outcome.probedInto !== null) return ofOtherProbe(facts, outcome.probedInto, values);
    const { guests } = outcome;
    const all = guests.map(({ thread, pools, arrival }) => ({ thread: thread.name, pools, active: arrival.active }));
    process.stdout.write(values.json ? `${JSON.stringify(all, null, 2)}\n` : listed(all));
    return EXIT_CLEAN;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function visit(
  facts: ProcessFacts,
  folder: string,
  values: Given,
  own: Record<string, string>,
): Promise<Outcome> {
  const settings = {
    ...settingsHere(),
    OUTLIVE_TELEMETRY: 'off',
    OUTLIVE_NOTIFY: '',
    OUTLIVE_GC_MAX_MB: '65536',
    ...own,
  };
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const { for: forMs, heal: heals, list: isList, snapshotMaxMb } = values;
    const { signal } = interrupted;
    const told = (guests: readonly Guest[]) => process.stderr.write(poolLines(guests));
    // the recording is written by the process itself
    return await handedOver(folder, facts, (places) =>
      attach(facts, { places, settings, forMs, heals, isList, snapshotMaxMb, signal, told }),
    );
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function settingsHere(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => name.startsWith('OUTLIVE_'));
  return Object.fromEntries(own) as Record<string, string>;
}

/** It is under the probe already, which was asked. */
function ofOtherProbe({ pid }: ProcessFacts, folder: string, { json, failOn }: Given): number {
  process.stderr.write(`Process ${pid} is under the probe already, which writes to ${folder}; it has just judged.\n`);
  const { report } = reportRun([folder]);
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else printSummary(report);
  return exitCodeOf(report, failOn);
}
