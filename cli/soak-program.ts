/** Soaks a service or a job of the user's: its progress, its report, its exit code. */
import { constants } from 'node:os';
import path from 'node:path';
import { readSettings } from '../probe/process/settings.ts';
import { type RunReport, writeRunReport } from '../reports/run.ts';
import { explore } from '../soak/fail-path/explore.ts';
import { exitStatus } from '../soak/service/program.ts';
import { loadScript } from '../soak/service/script.ts';
import { soakCommand } from '../soak/service/soak-command.ts';
import { type ServiceSoak, soakService } from '../soak/service/soak-service.ts';
import { targetsOf } from '../soak/service/targets.ts';
import { UserError } from '../user-error.ts';
import { databaseUrls, watchDatabases } from './database.ts';
import { onInterruption } from './interruption.ts';
import { exitCodeOf, type FailOn, openRunFolder, printSummary, shortPath, writeHtml } from './output.ts';
import { Progress } from './progress.ts';
import type { JobOptions, ServiceOptions } from './soak-options.ts';
import { EXIT_CLEAN, EXIT_INTERRUPTED, EXIT_WRONG_USE } from './usage.ts';

export async function soakProgram(options: ServiceOptions, [program, ...args]: readonly string[]): Promise<number> {
  if (program === undefined) {
    throw new UserError(
      'outlive soak needs the program after --, as in: outlive soak --url http://127.0.0.1:3000/ -- node server.js.',
    );
  }
  const { url, script, rounds } = options;
  if (url.length === 0 && script === undefined) {
    throw new UserError('outlive soak needs --url, or --script, to know what to ask the service.');
  }
  if (options.clinic !== undefined && (url.length === 0 || options.failPath)) {
    throw new UserError('--clinic needs --url, to know where the service listens, and does not go with --fail-path.');
  }
  const given = {
    command: [program, ...args] as const,
    targets: targetsOf(options),
    script: script === undefined ? null : { name: script, drive: await loadScript(script) },
    rounds,
    roundMs: Math.max(100, options.duration / rounds),
    warmUpMs: options.warmup,
    connections: options.connections,
    rate: options.rate ?? null,
    expected: options.expect ?? [],
    waitMs: options.wait,
    snapshotMaxMb: options.snapshotMaxMb,
    clinic: options.clinic ?? null,
  };
  if (options.failPath) return soaked(options, failEachPath(given));
  return soaked(options, async (folder, signal, progress) => {
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
    const onPatch = (patch: number, of: number) => {
      const stage = `patch ${patch} of ${of}`;
      progress.report({ stage, done: 1, leftMs: null, note: 'trying it out', isOver: false });
    };
    const by = { drive: script?.drive ?? null, scriptName: script?.name ?? null };
    await explore({ ...given, ...by, folder, signal, onProgress, onPatch });
    return null;
  };
}

export async function soakJob(options: JobOptions): Promise<number> {
  const { command = '', times, limit: limitMs } = options;
  return soaked(options, (folder, signal, progress) => {
    const began = performance.now();
    const onProgress = (run: number, note: string) => {
      const leftMs = ((performance.now() - began) / run) * (times - run);
      progress.report({ stage: `run ${run} of ${times}`, done: run / times, leftMs, note, isOver: true });
    };
    return soakCommand({ command, times, limitMs, folder, signal, onProgress });
  });
}

/** What a service and a job have in common. */
type Told = Pick<ServiceOptions & JobOptions, 'out' | 'json' | 'databaseUrl' | 'failOn' | 'growth'>;
type Soak = (folder: string, signal: AbortSignal, progress: Progress) => Promise<number | null>;

/** `soak` resolves with the program's own status if that was not as it should be. Whatever happens, there is a report. */
async function soaked({ out, json, databaseUrl, failOn, growth }: Told, soak: Soak): Promise<number> {
  // of those that it starts
  if (growth) process.env.OUTLIVE_GROWTH = 'on';
  const [problem] = readSettings(process.env).problems;
  if (problem) throw new UserError(problem);
  const folder = openRunFolder(out);
  const watch = await watchDatabases(databaseUrls(databaseUrl), folder);
  const stopping = new AbortController();
  onInterruption({
    first: () => stopping.abort(),
    // what guards the program ends it
    second: () => process.exit(EXIT_INTERRUPTED),
  });
  const progress = new Progress(process.stderr);
  let status: number | null = null;
  let failure: unknown = null;
  try {
    status = await soak(folder, stopping.signal, progress);
  } catch (error) {
    failure = error;
  } finally {
    progress.end();
  }
  await watch.stop();
  const found = conclude(folder, failOn, json, failure === null);
  if (failure !== null) throw failure;
  if (stopping.signal.aborted) return EXIT_INTERRUPTED;
  return status || found;
}

function conclude(folder: string, failOn: FailOn, json: boolean, isWhole: boolean): number {
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
  const found = exitCodeOf(report, failOn);
  const provesNothing = report.verdict === 'inconclusive' && failOn !== 'never';
  return found || (provesNothing ? EXIT_WRONG_USE : EXIT_CLEAN);
}
