/** Runs both variants of a scenario under the probe, each on a database of its own. */
import { fork } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDatabase, openDatabase } from '../pipeline/store/database.ts';
import { writeReport } from '../probe/recording/build-report.ts';
import type { Recording } from '../probe/recording/format.ts';
import { type Check, checkScenario, type VariantResult } from './check.ts';
import { Control } from './control.ts';
import { type ProgramMessage, type Scenario, VARIANTS, type Variant, type Work } from './scenario.ts';

export interface SoakOptions {
  /** Folder for the recordings, one below it for each variant. */
  out: string;
  runs: number;
  signal: AbortSignal;
  onProgress(variant: Variant | 'database', run: number, of: number, note: string): void;
}

export interface SoakResult {
  variants: (VariantResult & { folder: string; recordings: Recording[] })[];
  checks: Check[];
}

/** A short grace: between rounds the runner waits for it. */
const SOAK = { OUTLIVE_MODE: 'soak', OUTLIVE_GRACE_MS: '300' };
const REGISTER = fileURLToPath(new URL('../probe/register.js', import.meta.url));

/** Throws `DatabaseUnavailable`, and an `AbortError` when `signal` ended it. */
export async function soakScenario(scenario: Scenario, options: SoakOptions): Promise<SoakResult> {
  options.onProgress('database', 0, 1, 'starting PostgreSQL');
  const server = await openDatabase();
  const variants: SoakResult['variants'] = [];
  try {
    for (const variant of VARIANTS) {
      options.signal.throwIfAborted();
      const database = await createDatabase(server.url, `outlive_soak_${variant}`);
      try {
        const folder = path.join(options.out, variant);
        rmSync(folder, { recursive: true, force: true });
        const work = await runProgram(scenario, variant, folder, database.url, options);
        variants.push({ variant, folder, work, ...writeReport(folder) });
      } finally {
        await database.drop();
      }
    }
  } finally {
    await server.stop();
  }
  const [leaking, fixed] = variants;
  if (!leaking || !fixed) throw new Error('a variant did not run');
  return { variants, checks: checkScenario(scenario, leaking, fixed) };
}

async function runProgram(
  scenario: Scenario,
  variant: Variant,
  folder: string,
  databaseUrl: string,
  { runs, signal, onProgress }: SoakOptions,
): Promise<Work> {
  mkdirSync(folder, { recursive: true });
  const control = new Control(`outlive-${process.pid}-${variant}`);
  const child = fork(scenario.program, [variant, String(runs)], {
    execArgv: ['--require', REGISTER],
    env: { ...process.env, DATABASE_URL: databaseUrl, OUTLIVE_OUT: folder, ...SOAK, OUTLIVE_CONTROL: control.name },
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
    control.roundEnded().then(
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
