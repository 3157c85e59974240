/** A leak as an incident: one program in two variants, each run under the probe on a database of its own. */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { canWatch, type Sampler, watchDatabase } from '../database/index.ts';
import { readSnapshots, removeSnapshots } from '../heap/of-run.ts';
import { makeFolder } from '../probe/recording/own.ts';
import { writeRunReport } from '../reports/run.ts';
import { Control } from '../soak/control.ts';
import { startGuard } from '../soak/service/guard.ts';
import { takeSnapshots } from '../soak/service/snapshots.ts';
import { type Claims, checkLeak, type LeakVariant } from './check.ts';
import type { ProgramMessage } from './program.ts';
import type { Check, Scenario, SoakContext, SoakResult, VariantResult } from './scenario.ts';
import { DATABASE_CHOICES, type DatabaseServer, openServer } from './servers.ts';

export const VARIANTS = ['leaking', 'fixed'] as const;

/** A variant that ran, as claims see it. */
export type RanVariant = VariantResult & Outcome;

type Outcome = Omit<LeakVariant, 'report' | 'recordings'> & {
  /** Why snapshots of its heaps were not written, one sentence each. */
  unwritten: string[];
};

/** A program in two variants that do the same work. */
export interface ProgramIncident extends Pick<Scenario, 'name' | 'title' | 'story' | 'runs' | 'options'> {
  /** Run as `node PROGRAM VARIANT RUNS OPTION…` with DATABASE_URL; tells how far it is by `reportRun` and `reportWork`. */
  program: URL;
  variants: readonly [string, string];
  /** Ends the sentence "As it should be: …." */
  conclusion: string;
  /** Options of Node.js for it. */
  execArgv?: readonly string[] | undefined;
  /** Which database each variant gets an empty one of (default PostgreSQL). */
  database?: 'postgres' | 'none' | undefined;
  /** After this run it is looked at who holds what is open. */
  lookAt?: number | undefined;
  check(first: RanVariant, second: RanVariant, options: SoakContext['options']): Check[];
}

/** What is special about one incident: all else is the same for every leak. */
export interface LeakIncident
  extends Claims,
    Pick<
      ProgramIncident,
      'name' | 'title' | 'story' | 'runs' | 'options' | 'program' | 'execArgv' | 'database' | 'lookAt'
    > {
  conclusion?: string;
  /** Claims of this incident alone. */
  further?(leaking: RanVariant, fixed: RanVariant, options: SoakContext['options']): Check[];
  /** Claims that differ by the options. */
  claims?(options: SoakContext['options']): Partial<Claims>;
  /** Claims on Oracle. Adds the flag `--database oracle`. */
  oracle?: Claims;
}

/** A short grace: between rounds the runner waits for it. */
const SOAK = { OUTLIVE_MODE: 'soak', OUTLIVE_GRACE_MS: '300' };
const MOST_SNAPSHOT_MB = 100;
const REGISTER = fileURLToPath(new URL('../probe/register.js', import.meta.url));

export function leakScenario({ oracle, further, claims, conclusion, ...incident }: LeakIncident): Scenario {
  return programScenario({
    ...incident,
    variants: VARIANTS,
    ...(oracle && { options: { database: DATABASE_FLAG } }),
    conclusion: conclusion ?? 'the leak is found, the fix is silent',
    check: (leaking, fixed, options) => [
      ...checkLeak((isOracle(options) && oracle) || { ...incident, ...claims?.(options) }, leaking, fixed),
      ...(further?.(leaking, fixed, options) ?? []),
    ],
  });
}

export function programScenario(incident: ProgramIncident): Scenario {
  const { name, title, story, runs, options, conclusion } = incident;
  return {
    ...{ name, title, story, runs, conclusion },
    ...(options && { options }),
    fewestRuns: 3,
    soak: (context) => soakProgram(incident, context),
  };
}

const isOracle = ({ database }: SoakContext['options']) => database === 'oracle';

const DATABASE_FLAG = {
  help: 'on which database; Oracle is the one of ORACLE_CONNECT_STRING, or a stand-in',
  fallback: 'postgres',
  allowed: DATABASE_CHOICES,
};

/** Throws `DatabaseUnavailable` too. */
async function soakProgram(incident: ProgramIncident, context: SoakContext): Promise<SoakResult> {
  const server = await serverFor(incident, context);
  const variants: RanVariant[] = [];
  try {
    for (const variant of incident.variants) {
      context.signal.throwIfAborted();
      const database = await server.create(`outlive_soak_${variant}`);
      try {
        const folder = path.join(context.out, variant);
        rmSync(folder, { recursive: true, force: true });
        const sampler = await watch(database.url, folder);
        const outcome = await runProgram(incident, variant, folder, database.url, context).finally(sampler?.stop);
        readSnapshots(folder);
        removeSnapshots(folder);
        variants.push({ name: variant, folder, ...outcome, ...writeRunReport(folder) });
      } finally {
        await database.drop();
      }
    }
  } finally {
    await server.stop();
  }
  const [first, second] = variants;
  if (!first || !second) throw new Error('a variant did not run');
  return { variants, checks: incident.check(first, second, context.options) };
}

/** The database's own side, of those kinds that can be watched. */
async function watch(url: string | undefined, folder: string): Promise<Sampler | null> {
  if (url === undefined || !canWatch(url)) return null;
  makeFolder(folder);
  return watchDatabase(url, folder);
}

async function serverFor(
  { database }: ProgramIncident,
  { options, onProgress }: SoakContext,
): Promise<DatabaseServer | typeof NO_SERVER> {
  if (database === 'none') return NO_SERVER;
  return openServer(isOracle(options) ? 'oracle' : 'postgres', (note) => onProgress('database', 0, 1, note));
}

const NO_SERVER = { create: async () => ({ url: undefined, drop: async () => {} }), stop: async () => {} };

async function runProgram(
  { program, execArgv = [], lookAt }: ProgramIncident,
  variant: string,
  folder: string,
  databaseUrl: string | undefined,
  { runs, signal, options, onProgress }: SoakContext,
): Promise<Outcome> {
  makeFolder(folder);
  const control = await Control.open();
  // the program ends without us by itself; our door does not
  const guard = startGuard(control.folder);
  const child = fork(program, [variant, String(runs), ...Object.values(options)], {
    execArgv: [...execArgv, '--require', REGISTER],
    env: {
      ...process.env,
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
      ...{ OUTLIVE_OUT: folder, ...SOAK, OUTLIVE_CONTROL: control.door },
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  let told: Omit<Outcome, 'unwritten'> | null = null;
  const unwritten: string[] = [];
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.on('message', (message: ProgramMessage) => {
    if ('work' in message) {
      told = message;
      return;
    }
    const { run, of, note } = message;
    const judge = async () => {
      const { findings } = await control.roundEnded(run);
      if (run === lookAt) unwritten.push(...(await takeSnapshots(control, 'last', MOST_SNAPSHOT_MB)));
      onProgress(variant, run, of, `${note}, ${findings} findings`);
      // one that is gone says so by how it ended
      child.send({ next: run + 1 }, () => {});
    };
    judge().catch((error: Error) => {
      errors += error.message;
      child.kill('SIGKILL');
    });
  });
  const ended = await new Promise<string | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => resolve(code === 0 ? null : (killedBy ?? `exit code ${code}`)));
  }).finally(() => {
    control.close();
    guard.release();
  });
  signal.throwIfAborted();
  if (ended !== null || told === null) throw new Error(`the ${variant} program ended with ${ended}:\n${errors}`);
  return { ...(told as Omit<Outcome, 'unwritten'>), unwritten };
}
