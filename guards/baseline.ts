/**
 * The leaks that are known: a file, by the ids of findings, that only shrinks. A run that updates it takes out what it
 * does not meet, and adds nothing, unless there was no file when it began: then it takes what it meets.
 *
 * A run is many processes and threads. What each of them meets lies in a folder of the run; whoever meets something puts
 * all of it together anew. The folder goes when the run has ended, also by a signal.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import type { Site } from '../probe/recording/report.ts';
import { UserError } from '../user-error.ts';

/** Of each leak, for whoever reads the file: where it was. */
type Leaks = Record<string, string>;

interface BaselineFile {
  schema: 'outlive.baseline/1';
  leaks: Leaks;
}

const SCHEMA = 'outlive.baseline/1';

export class Baseline {
  readonly #file: string;
  /** What the file said when the run began; null: there was none. */
  readonly #known: Leaks | null;
  /** Of the run; null where nothing is to be updated. */
  readonly #folder: string | null = null;
  readonly #met: Leaks = {};

  /** `file`: an absolute path. */
  constructor(file: string, updates: boolean) {
    this.#file = file;
    if (!updates) {
      this.#known = readLeaks(this.#file);
      return;
    }
    this.#folder = folderOfRun(this.#file);
    this.#known = readLeaks(path.join(this.#folder, 'known.json'));
    this.#update();
  }

  /** Whether a leak is no news. */
  knows(id: string, site: Site | null): boolean {
    const isKnown = this.#known === null ? this.#folder !== null : Object.hasOwn(this.#known, id);
    if (isKnown && this.#folder !== null) {
      this.#met[id] = site ? `${path.relative(path.dirname(this.#file), site.file)} ${site.function}`.trim() : '';
      this.#update();
    }
    return isKnown;
  }

  #update(): void {
    const folder = this.#folder ?? '';
    store(path.join(folder, `met-${process.pid}-${threadId}.json`), this.#met);
    const met = readdirSync(folder)
      .filter((name) => name.startsWith('met-') && name.endsWith('.json'))
      .map((name) => readLeaks(path.join(folder, name)));
    const all = Object.entries(Object.assign({}, ...met) as Leaks);
    store(this.#file, Object.fromEntries(all.sort(([, a], [, b]) => (a < b ? -1 : 1))));
  }
}

/** The process that runs the tests is this one, or the runner that started it. Made by whoever is first. */
function folderOfRun(file: string): string {
  const isWorker = process.send !== undefined || process.env.NODE_TEST_CONTEXT !== undefined;
  const runner = isWorker ? process.ppid : process.pid;
  const run = createHash('sha256').update(`${file} ${runner}`).digest('hex').slice(0, 16);
  const folder = path.join(tmpdir(), `outlive-baseline-${run}`);
  if (existsSync(folder)) return folder;
  const own = `${folder}-${process.pid}-${threadId}`;
  mkdirSync(own);
  const known = readLeaks(file);
  if (known) store(path.join(own, 'known.json'), known);
  try {
    renameSync(own, folder);
    removeAfter(runner, folder);
  } catch {
    // somebody else was first
    rmSync(own, { recursive: true, force: true });
  }
  return folder;
}

function removeAfter(runner: number, folder: string): void {
  const args = [path.join(__dirname, 'remove-after.js'), String(runner), folder];
  // without NODE_OPTIONS it is no test process itself
  spawn(process.execPath, args, { detached: true, stdio: 'ignore', env: {} }).unref();
}

/** By temporary file and rename: whoever reads it reads all of it. */
function store(file: string, leaks: Leaks): void {
  const temporary = `${file}.${process.pid}-${threadId}`;
  writeFileSync(temporary, `${JSON.stringify({ schema: SCHEMA, leaks } satisfies BaselineFile, null, 2)}\n`);
  renameSync(temporary, file);
}

/** Null when there is no such file. Throws, in a sentence, when it is something else. */
function readLeaks(file: string): Leaks | null {
  if (!existsSync(file)) return null;
  try {
    const { schema, leaks } = JSON.parse(readFileSync(file, 'utf8')) as BaselineFile;
    if (schema === SCHEMA && typeof leaks === 'object' && leaks !== null) return leaks;
  } catch {
    // said below
  }
  throw new UserError(`${file} is no baseline: make it anew with OUTLIVE_UPDATE_BASELINE=1, after taking it away.`);
}
