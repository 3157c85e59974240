/** A leak as an incident: one program in two variants, each run under the probe on a database of its own. */
import { fork } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeReport } from '../probe/recording/build-report.ts';
import { checkLeak, type Expectation, type LeakVariant } from './check.ts';
import { Control } from './control.ts';
import type { ProgramMessage } from './program.ts';
import type { Scenario, SoakContext, SoakResult, Work } from './scenario.ts';

export const VARIANTS = ['leaking', 'fixed'] as const;
export type Variant = (typeof VARIANTS)[number];

/** What is special about one incident: all else is the same for every leak. */
export interface LeakIncident extends Pick<Scenario, 'name' | 'title' | 'story' | 'runs'> {
  /** Run as `node PROGRAM VARIANT RUNS` with DATABASE_URL; tells how far it is by `reportRun` and `reportWork`. */
  program: URL;
  /** In the leaking variant; the fixed one must give nothing at `likely` or above. */
  mustFind: readonly Expectation[];
  /** The library that the fixed variant must have been seen to use: silence proves nothing otherwise. */
  mustUse: string;
  /** Which database each variant gets an empty one of (default PostgreSQL). */
  database?: 'postgres' | 'none';
}

/** A short grace: between rounds the runner waits for it. */
const SOAK = { OUTLIVE_MODE: 'soak', OUTLIVE_GRACE_MS: '300' };
const REGISTER = fileURLToPath(new URL('../probe/register.js', import.meta.url));

export function leakScenario(incident: LeakIncident): Scenario {
  const { name, title, story, runs } = incident;
  return {
    name,
    title,
    story,
    runs,
    fewestRuns: 3,
    conclusion: 'the leak is found, the fix is silent',
    soak: (context) => soakLeak(incident, context),
  };
}

/** Throws `DatabaseUnavailable` too. */
async function soakLeak(incident: LeakIncident, context: SoakContext): Promise<SoakResult> {
  const server = await openServer(incident, context);
  const variants: (LeakVariant & SoakResult['variants'][number])[] = [];
  try {
    for (const variant of VARIANTS) {
      context.signal.throwIfAborted();
      const database = await server.create(`outlive_soak_${variant}`);
      try {
        const folder = path.join(context.out, variant);
        rmSync(folder, { recursive: true, force: true });
        const work = await runProgram(incident, variant, folder, database.env, context);
        variants.push({ name: variant, folder, work, ...writeReport(folder) });
      } finally {
        await database.drop();
      }
    }
  } finally {
    await server.stop();
  }
  const [leaking, fixed] = variants;
  if (!leaking || !fixed) throw new Error('a variant did not run');
  return { variants, checks: checkLeak(incident, leaking, fixed) };
}

/** Where the variants' databases are made. */
interface DatabaseServer {
  create(name: string): Promise<{ env: Record<string, string>; drop(): Promise<void> }>;
  stop(): Promise<void>;
}

async function openServer({ database }: LeakIncident, { onProgress }: SoakContext): Promise<DatabaseServer> {
  if (database === 'none') return { create: async () => ({ env: {}, drop: async () => {} }), stop: async () => {} };
  onProgress('database', 0, 1, 'starting PostgreSQL');
  // loaded only now: a scenario without a database needs no driver
  const { createDatabase, openDatabase } = await import('../pipeline/store/database.ts');
  const server = await openDatabase();
  return {
    create: async (name) => {
      const { url, drop } = await createDatabase(server.url, name);
      return { env: { DATABASE_URL: url }, drop };
    },
    stop: () => server.stop(),
  };
}

async function runProgram(
  { program }: LeakIncident,
  variant: Variant,
  folder: string,
  databaseEnv: Record<string, string>,
  { runs, signal, onProgress }: SoakContext,
): Promise<Work> {
  mkdirSync(folder, { recursive: true });
  const control = new Control();
  const child = fork(program, [variant, String(runs)], {
    execArgv: ['--require', REGISTER],
    env: { ...process.env, ...databaseEnv, OUTLIVE_OUT: folder, ...SOAK, OUTLIVE_CONTROL: control.name },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    signal,
    killSignal: 'SIGKILL',
  });
  let work: Work | null = null;
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.on('message', (message: ProgramMessage) => {
    if ('work' in message) {
      work = message.work;
      return;
    }
    const { run, of, note } = message;
    control.roundEnded(run).then(
      ({ findings }) => {
        onProgress(variant, run, of, `${note}, ${findings} findings`);
        child.send({ next: run + 1 });
      },
      (error: Error) => {
        errors += error.message;
        child.kill('SIGKILL');
      },
    );
  });
  const ended = await new Promise<string | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => resolve(code === 0 ? null : (killedBy ?? `exit code ${code}`)));
  }).finally(() => control.close());
  signal.throwIfAborted();
  if (ended !== null || work === null) throw new Error(`the ${variant} program ended with ${ended}:\n${errors}`);
  return work;
}
