/** Soaks a service or a job of the user's: its flags, its progress, its report, its exit code. */
import { constants } from 'node:os';
import path from 'node:path';
import { readSettings } from '../probe/process/settings.ts';
import { newRunFolder } from '../probe/recording/folder.ts';
import type { Certainty } from '../probe/recording/format.ts';
import { type RunReport, writeRunReport } from '../reports/run.ts';
import { explore } from '../soak/fail-path/explore.ts';
import { exitStatus } from '../soak/service/program.ts';
import { loadScript } from '../soak/service/script.ts';
import { soakCommand } from '../soak/service/soak-command.ts';
import { type ServiceSoak, soakService } from '../soak/service/soak-service.ts';
import { type RequestFlags, targetsOf } from '../soak/service/targets.ts';
import { UserError } from '../user-error.ts';
import { databaseUrls, watchDatabases } from './database.ts';
import { exitCodeOf, makeRunFolder, printSummary, shortPath, writeHtml } from './output.ts';
import { Progress } from './progress.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, EXIT_WRONG_USE, milliseconds, wholeNumber } from './usage.ts';

interface CommonFlags {
  out?: string | undefined;
  json?: boolean | undefined;
  databaseUrl?: readonly string[] | undefined;
  failOn: Certainty | 'never';
}

export interface ServiceFlags extends CommonFlags, Omit<RequestFlags, 'url'> {
  url?: readonly string[] | undefined;
  duration: string;
  rounds: string;
  warmup: string;
  connections: string;
  rate?: string | undefined;
  expect?: string | undefined;
  wait: string;
  script?: string | undefined;
  failPath: boolean;
}

export interface JobFlags extends CommonFlags {
  command?: string | undefined;
  times: string;
  limit: string;
}

const DAY_MS = 86_400_000;
/** A second interruption this long after the first is meant as one. */
const IMPATIENT_MS = 1000;

export async function soakProgram(flags: ServiceFlags, [program, ...args]: readonly string[]): Promise<number> {
  if (program === undefined) {
    throw new UserError(
      'outlive soak needs the program after --, as in: outlive soak --url http://127.0.0.1:3000/ -- node server.js.',
    );
  }
  const { url = [], script, rate, expect } = flags;
  if (url.length === 0 && script === undefined) {
    throw new UserError('outlive soak needs --url, or --script, to know what to ask the service.');
  }
  const rounds = wholeNumber('rounds', flags.rounds, 1, 1000);
  const given = {
    command: [program, ...args] as const,
    targets: targetsOf({ ...flags, url }),
    script: script === undefined ? null : { name: script, drive: await loadScript(script) },
    rounds,
    roundMs: Math.max(100, milliseconds('duration', flags.duration, 100, DAY_MS) / rounds),
    warmUpMs: milliseconds('warmup', flags.warmup, 0, DAY_MS),
    connections: wholeNumber('connections', flags.connections, 1, 10_000),
    rate: rate === undefined ? null : wholeNumber('rate', rate, 1, 1_000_000),
    expected: expect === undefined ? [] : expect.split(',').map((status) => wholeNumber('expect', status, 100, 599)),
    waitMs: milliseconds('wait', flags.wait, 100, DAY_MS),
  };
  if (flags.failPath) return soaked(flags, failEachPath(given));
  return soaked(flags, async (folder, signal, progress) => {
    const ended = await soakService({
      ...given,
      folder,
      signal,
      onProgress: ({ name, round, done, leftMs, note, isOver }) => {
        const stage = name === 'round' ? `round ${round} of ${rounds}` : name;
        progress.report({ stage, done, leftMs, note, isOver });
      },
    });
    // it was to serve until the end: also 0 is a failure then
    return ended && (exitStatus(ended, constants.signals) || EXIT_WRONG_USE);
  });
}

type Given = Pick<ServiceSoak, 'command' | 'targets' | 'script' | 'waitMs'>;

function failEachPath({ script, ...given }: Given): Soak {
  return async (folder, signal, progress) => {
    const began = performance.now();
    const onProgress = (done: number, of: number, note: string) => {
      const leftMs = done === 0 ? null : ((performance.now() - began) / done) * (of - done);
      progress.report({ stage: `fault ${done} of ${of}`, done: done / of, leftMs, note, isOver: done > 0 });
    };
    const by = { drive: script?.drive ?? null, scriptName: script?.name ?? null };
    await explore({ ...given, ...by, folder, signal, onProgress });
    return null;
  };
}

export async function soakJob(flags: JobFlags): Promise<number> {
  const { command = '' } = flags;
  if (command.trim() === '') throw new UserError('--command needs a command, such as "npm run job".');
  const times = wholeNumber('times', flags.times, 1, 10_000);
  const limitMs = milliseconds('limit', flags.limit, 100, DAY_MS);
  return soaked(flags, (folder, signal, progress) => {
    const began = performance.now();
    const onProgress = (run: number, note: string) => {
      const leftMs = ((performance.now() - began) / run) * (times - run);
      progress.report({ stage: `run ${run} of ${times}`, done: run / times, leftMs, note, isOver: true });
    };
    return soakCommand({ command, times, limitMs, folder, signal, onProgress });
  });
}

type Soak = (folder: string, signal: AbortSignal, progress: Progress) => Promise<number | null>;

/** `soak` resolves with the program's own status if that was not as it should be. Whatever happens, there is a report. */
async function soaked({ out, json, databaseUrl, failOn }: CommonFlags, soak: Soak): Promise<number> {
  const [problem] = readSettings(process.env).problems;
  if (problem) throw new UserError(problem);
  const folder = path.resolve(out ?? process.env.OUTLIVE_OUT ?? newRunFolder());
  makeRunFolder(folder);
  const watch = await watchDatabases(databaseUrls(databaseUrl), folder);
  const stopping = new AbortController();
  let stoppedAt = Number.POSITIVE_INFINITY;
  const stop = () => {
    // somebody has no patience: what guards the program ends it. npx may pass one Ctrl-C on as two
    if (performance.now() - stoppedAt > IMPATIENT_MS) process.exit(EXIT_INTERRUPTED);
    stoppedAt = Math.min(stoppedAt, performance.now());
    stopping.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  const progress = new Progress(process.stderr);
  let status: number | null = null;
  let failure: unknown = null;
  try {
    status = await soak(folder, stopping.signal, progress);
  } catch (error) {
    failure = error;
  } finally {
    progress.end();
    process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
  }
  await watch.stop();
  const found = conclude(folder, failOn, json === true, failure === null);
  if (failure !== null) throw failure;
  if (stopping.signal.aborted) return EXIT_INTERRUPTED;
  return status || found;
}

function conclude(folder: string, failOn: Certainty | 'never', json: boolean, isWhole: boolean): number {
  let result: RunReport;
  try {
    result = writeRunReport(folder);
  } catch {
    if (isWhole) process.stderr.write(`outlive: no Node.js process was seen, or ${folder} could not be written.\n`);
    return EXIT_WRONG_USE;
  }
  const { report, recordings } = result;
  const html = writeHtml(path.join(folder, 'report.html'), report, recordings);
  if (!isWhole) return EXIT_CLEAN;
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    printSummary(report);
    process.stdout.write(`${shortPath(html)}\n`);
  }
  return exitCodeOf(report, failOn);
}
