/** Where programs are run: a temporary folder in which they find their libraries, and the probe that is asked for. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report } from '../../probe/recording/report.ts';
import type { Found, Truth } from './judge.ts';
import type { Mutant } from './mutate.ts';
import { SERVERS, type ServerName } from './servers.ts';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = path.join(ROOT, 'test/mutation/programs');
/** What programs may import: where it is installed. */
const LIBRARIES = {
  ...Object.fromEntries(
    [
      ...['generic-pool', 'pg', 'undici', 'tarn', 'sequelize-pool', 'knex', 'postgres', 'mysql', 'mysql2', 'mariadb'],
      ...['better-sqlite3', 'redis', 'ioredis', 'bullmq', 'amqplib', 'kafkajs', 'piscina', 'workerpool'],
    ].map((name) => [name, `node_modules/${name}`]),
  ),
  '@grpc/grpc-js': 'tools/clients/node_modules/grpc-1.14.7',
  mongodb: 'tools/mongodb/node_modules/mongodb-7.9.0',
};
const PREFIX = 'outlive-mutation-';
/** By which a program has its heap written at its end, see programs/run.cjs. */
const SNAPSHOT_SIGNAL = 'SIGUSR2';

export interface Program {
  name: string;
  /** `main.mjs` or `main.cjs`. */
  main: string;
  /** Sources by file name. */
  files: Map<string, string>;
  servers: ServerName[];
  /** Whether a test may leak what it leaks, unless its head says `not for guards: …`. */
  isForGuards: boolean;
  /** What no proof is possible of, since something that is alive holds it: `held by nature: NAME, NAME, by …`. */
  held: ReadonlySet<string>;
  /** Of the probe, as `settings: NAME=VALUE` in the head of a program says. */
  settings: Record<string, string>;
}

export function programs(): Program[] {
  const folders = readdirSync(PROGRAMS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const folder = path.join(PROGRAMS, name);
    const files = new Map(readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]));
    const main = files.has('main.cjs') ? 'main.cjs' : 'main.mjs';
    const source = [...files.values()].join('\n');
    const settings = [...source.matchAll(/^\/\/.* settings: (\w+)=(\w+)$/gm)].map(([, key, value]) => [key, value]);
    const servers = SERVERS.filter((variable) => source.includes(variable));
    const isForGuards = !/^\/\/ not for guards: /m.test(source);
    const held = [...source.matchAll(/^\/\/ held by nature: (.*?), by /gm)].flatMap(([, names = '']) =>
      names.split(', '),
    );
    return { name, main, files, servers, isForGuards, held: new Set(held), settings: Object.fromEntries(settings) };
  });
}

export interface Observed {
  truth: Truth;
  found: Found[];
  /** Why the findings cannot be trusted, or null. */
  problem: string | null;
}

export interface WorkbenchOptions {
  /** The built probe's preload. */
  register: string;
  /** Where servers are. */
  env: Record<string, string>;
}

interface Build {
  /** Of what was written beside recordings: who holds what is open. */
  readSnapshots(folder: string): { problems: string[] };
  writeReport(folder: string): { report: Report };
}

export class Workbench implements Disposable {
  readonly #folder: string;
  readonly #options: WorkbenchOptions;
  readonly #build: Promise<Build>;
  readonly #aborter = new AbortController();
  #runs = 0;

  constructor(options: WorkbenchOptions) {
    sweep();
    this.#options = options;
    this.#build = loadBuild(path.dirname(options.register));
    this.#folder = mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
    const libraries = path.join(this.#folder, 'node_modules');
    const outlive = path.join(libraries, 'outlive');
    mkdirSync(outlive, { recursive: true });
    linkLibraries(libraries);
    for (const file of ['index.js', 'lease.js']) {
      symlinkSync(path.join(path.dirname(options.register), file), path.join(outlive, file));
    }
    writeFileSync(
      path.join(outlive, 'package.json'),
      JSON.stringify({ exports: { '.': './index.js', './lease': './lease.js' } }),
    );
    cpSync(path.join(PROGRAMS, 'run.cjs'), path.join(this.#folder, 'run.cjs'));
  }

  /** Runs a program, mutated if a mutant is given: once alone for the truth, then under the probe. */
  async observe(program: Program, mutant: Mutant | null): Promise<Observed> {
    return this.#written(program, mutant, async (main) => {
      const truth = await this.#truth(main);
      return { truth, ...(await this.#probed(main, program.settings)) };
    });
  }

  /** Runs it alone. */
  async truth(program: Program, mutant: Mutant | null): Promise<Truth> {
    return this.#written(program, mutant, (main) => this.#truth(main));
  }

  async #written<T>(program: Program, mutant: Mutant | null, use: (main: string) => Promise<T>): Promise<T> {
    const folder = path.join(this.#folder, `${program.name}-${++this.#runs}`);
    mkdirSync(folder);
    try {
      for (const [file, source] of program.files) {
        writeFileSync(path.join(folder, file), file === mutant?.file ? mutant.source : source);
      }
      return await use(path.join(folder, program.main));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #truth(main: string): Promise<Truth> {
    return this.#run([main], { COUNT_INTERVALS: '1', REST_MS: '50' });
  }

  async #probed(main: string, settings: Record<string, string>): Promise<Omit<Observed, 'truth'>> {
    const folder = path.dirname(main);
    const out = path.join(folder, 'recording');
    try {
      const own = { OUTLIVE_OUT: out, OUTLIVE_HEAPDUMP: SNAPSHOT_SIGNAL };
      await this.#run(['--require', this.#options.register, main], { ...settings, ...own });
      const { readSnapshots, writeReport } = await this.#build;
      const { problems } = readSnapshots(out);
      if (problems.length > 0) return { found: [], problem: problems.join(' ') };
      const { report } = writeReport(out);
      const faults = report.processes.reduce((sum, process) => sum + process.faults, 0);
      return { found: findings(report, folder), problem: faults > 0 ? `${faults} faults of the probe` : null };
    } catch (error) {
      if (this.#aborter.signal.aborted) throw error;
      return { found: [], problem: `failed under the probe: ${(error as Error).message}` };
    }
  }

  async #run(args: string[], settings: Record<string, string>): Promise<Truth> {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS$|OUTLIVE_|VITEST)/.test(name));
    const env = { ...Object.fromEntries(inherited), ...this.#options.env, ...settings };
    const options = { env, signal: this.#aborter.signal, killSignal: 'SIGKILL' } as const;
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Truth;
  }

  /** Ends what runs, and removes the folder. */
  [Symbol.dispose](): void {
    this.#aborter.abort();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** As `outlive run --heapdump` does. `probe`: its folder in the build that is asked for. */
async function loadBuild(probe: string): Promise<Build> {
  const { readSnapshots } = await import(path.join(probe, '../heap/of-run.js'));
  // by Node's own loader: that of Vitest takes for a module what is built as a function
  const { writeReport } = createRequire(import.meta.url)(path.join(probe, 'recording/build-report.js'));
  return { readSnapshots, writeReport };
}

/** So that programs find what they import in `folder`. */
export function linkLibraries(folder: string): void {
  for (const [name, installed] of Object.entries(LIBRARIES)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    symlinkSync(path.join(ROOT, installed), path.join(folder, name));
  }
}

function findings({ findings }: Report, folder: string): Found[] {
  return findings.map(({ site, certainty, detector, count, held }) => {
    const place = site ? `${path.relative(folder, site.file)}:${site.line}` : 'unknown';
    return { place, certainty, detector, count, heldBy: held ?? [] };
  });
}

/** Removes folders of harnesses that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
