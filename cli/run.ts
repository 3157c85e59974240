import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readSnapshots } from '../heap/of-run.ts';
import { readSettings, SETTINGS } from '../probe/process/settings.ts';
import { noteDeath } from '../probe/recording/deaths.ts';
import { removeIfEmpty } from '../probe/recording/folder.ts';
import { survivorsIn } from '../probe/recording/survivors.ts';
import { type RunReport, writeRunReport } from '../reports/run.ts';
import { UserError } from '../user-error.ts';
import { DATABASE_URL, type DatabaseWatch, databaseUrls, watchDatabases } from './database.ts';
import { type Interruption, onInterruption } from './interruption.ts';
import { helpOf, helpRow, type Options, parse, splitAtDashes, type Values } from './options.ts';
import { exitCodeOf, FAIL_ON, OUT, openRunFolder, printSummary, shortPath, writeHtml } from './output.ts';
import { registerPath } from './register-path.ts';
import { EXIT_WRONG_USE, printHelp } from './usage.ts';

/** What a heap snapshot is asked for by. */
const chosen = process.env.OUTLIVE_HEAPDUMP || 'off';
const SIGNAL = chosen !== 'off' ? chosen : process.platform === 'win32' ? 'SIGBREAK' : 'SIGUSR2';
/** Between two looks at what is left of an interrupted run, milliseconds. */
const POLL_MS = 50;

const OPTIONS = {
  out: OUT,
  failOn: FAIL_ON,
  heapdump: {
    help: `write a heap snapshot of each process beside its recording on ${SIGNAL} (to outlive, or to it); see outlive heap`,
  },
  json: { help: "print report.json on stdout; the program's own output goes to stderr" },
  databaseUrl: DATABASE_URL,
} as const satisfies Options;

const HELP = `Usage: outlive run [options] -- PROGRAM ARGS...

Runs the program with the probe preloaded, in it and in every Node.js process it starts, and reports at its end.

${helpOf(OPTIONS)}

  outlive run -- node server.js
  outlive run --fail-on suspect -- npm test
  outlive run --heapdump -- node server.js

Requests are scopes on every Node.js, unless OUTLIVE_SCOPES is set.

Exit code: the program's own if it is not 0; else 0 clean or inconclusive, 1 findings, 2 wrong use.

Settings, as environment variables:
${Object.values(SETTINGS)
  .map(({ variable, help, fallback }) =>
    helpRow(`  ${variable}`, fallback ? `${help} (default\u00a0${fallback})` : help, 22),
  )
  .join('\n')}
`;

export async function main(args: readonly string[]): Promise<number> {
  const { own, program: line } = splitAtDashes(args);
  const given = parse('run', own, OPTIONS);
  if (given === null) return printHelp(HELP);
  const { values, positionals } = given;
  const [program, ...programArgs] = line;
  if (program === undefined || positionals.length > 0) {
    throw new UserError('outlive run needs the program after --, as in: outlive run -- node server.js.');
  }
  const { problems } = readSettings(process.env);
  if (problems[0]) throw new UserError(problems[0]);
  const out = openRunFolder(values.out);

  const watch: DatabaseWatch = await watchDatabases(databaseUrls(values.databaseUrl), out);
  const stdout = values.json ? 'stderr' : 'inherit';
  const status = await runProbed(program, programArgs, { out, stdout, heapdump: values.heapdump }).finally(watch.stop);
  if (status === null) {
    removeIfEmpty(out);
    throw new UserError(`${program} cannot be started: there is no such program.`);
  }
  return conclude(out, status, values);
}

interface RunOptions {
  out: string;
  stdout: 'inherit' | 'stderr';
  /** Heap snapshots on a signal. */
  heapdump: boolean;
}

/** Runs the program under the probe. Its exit status, 128 + signal number, or null when it could not be started. */
async function runProbed(
  program: string,
  args: string[],
  { out, stdout, heapdump }: RunOptions,
): Promise<number | null> {
  const requirement = `--require ${JSON.stringify(registerPath)}`;
  const env = {
    // before Node 24 requests are no scopes by themselves: who asks for a report pays for one that is whole
    OUTLIVE_SCOPES: 'on',
    ...process.env,
    ...(heapdump && { OUTLIVE_HEAPDUMP: SIGNAL }),
    OUTLIVE_OUT: out,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, requirement].filter(Boolean).join(' '),
  };
  const child = spawn(program, args, { env, stdio: ['inherit', stdout === 'stderr' ? 2 : 'inherit', 'inherit'] });
  let interrupted: Interruption | null = null;
  // a terminal sends Ctrl-C to the program as well; from elsewhere it only reaches us
  const isFromTerminal = (signal: Interruption) => signal === 'SIGINT' && process.stdin.isTTY;
  onInterruption({
    first: (signal) => {
      interrupted = signal;
      if (!isFromTerminal(signal)) child.kill(signal);
    },
    second: (signal) => {
      if (isFromTerminal(signal)) return;
      for (const pid of survivorsIn(out)) kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
    },
  });
  if (heapdump) passOn(out);
  const status = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  if (interrupted !== null) await endSurvivors(out, interrupted);
  if (status !== null) noteDeath(out, child.pid ?? 0, signalOf(status));
  return status;
}

/** A user knows our pid, not those of what npm, a shell or a cluster starts. */
function passOn(out: string): void {
  process.on(SIGNAL, () => {
    for (const pid of survivorsIn(out)) kill(pid, SIGNAL as NodeJS.Signals);
  });
  process.stderr.write(
    `outlive: kill -${SIGNAL.slice(3)} ${process.pid} writes a heap snapshot of each process to ${shortPath(out)}.\n`,
  );
}

/** npm, and the shell that it starts, die of a signal without a word to the program: so it is told here, and waited for. */
async function endSurvivors(out: string, signal: Interruption): Promise<void> {
  const told = new Set<number>();
  for (let left = survivorsIn(out); left.length > 0; left = survivorsIn(out)) {
    for (const pid of left) {
      if (!told.has(pid)) kill(pid, signal);
      told.add(pid);
    }
    await pause(POLL_MS);
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone meanwhile
  }
}

/** That an exit status stands for, as a shell tells it; null for none. */
function signalOf(status: number): NodeJS.Signals | null {
  const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return names.find(([, number]) => status === 128 + number)?.[0] ?? null;
}

function conclude(out: string, status: number, { failOn, json }: Values<typeof OPTIONS>) {
  let result: RunReport;
  try {
    for (const problem of readSnapshots(out).problems) process.stderr.write(`outlive: ${problem}\n`);
    result = writeRunReport(out);
  } catch {
    process.stderr.write(`outlive: no Node.js process was seen under the program, or ${out} could not be written.\n`);
    removeIfEmpty(out);
    return status || EXIT_WRONG_USE;
  }
  const { report, recordings } = result;
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    printSummary(report);
    process.stderr.write(`${shortPath(writeHtml(path.join(out, 'report.html'), report, recordings))}\n`);
  }
  return status || exitCodeOf(report, failOn);
}
