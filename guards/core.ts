/**
 * The guard of a test runner: each test is a scope of its own, and fails by itself when something that was opened in it
 * is still open a moment after its hooks. The runners' plug-ins say when a test begins and ends, and let it fail.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Scope, TestKind } from '../probe/account/scope.ts';
import type { Probe } from '../probe/probe.ts';
import type { Frame } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import type { Owed } from '../probe/tests.ts';
import { UserError } from '../user-error.ts';
import type { Original } from './finding.ts';
import type { Holders, Leaks } from './leaks.ts';
import { type Options, readOptions } from './options.ts';
import { withoutOwnFrames } from './own-frames.ts';

export type { Frame, Scope };

const PROBE = Symbol.for('outlive.probe');
/** The guard of a thread, as a property of its global object. */
export const GUARD: unique symbol = Symbol.for('outlive.guard');
/** One of Jest's or Mocha's that run some of the files: it waits for the next one while others run theirs. */
const isWorker = !isMainThread || /[\\/](?:jest-worker|mocha[\\/]lib[\\/]nodejs)[\\/]/.test(process.argv[1] ?? '');
/** What a runner has to say in the end it says in this time. */
const LAST_WORDS_MS = 200;
/** Between two looks, milliseconds: doubled each time, up to this. */
const LONGEST_WAIT = 128;

// taken before a test can put a clock of its own in their place
const { setTimeout: originalSetTimeout, clearTimeout: originalClearTimeout } = globalThis;

/** How a plug-in's runner shows errors. */
export interface Runner {
  /** It shows the code of an error's first line by itself. */
  showsCode: boolean;
  /** Where it runs other code than was written, and nobody else knows; null: what is on disk says it. */
  original: Original | null;
}

/** What a scope left open. */
export interface Leak {
  message: string;
  /** As in any error: the message, and below it the line that took the first. */
  stack: string;
  /** The same, to fail with. */
  error: Error;
}

/** What a test or suite sets for itself and all within it. */
export interface ScopeOptions {
  /** How long something may take to be given back, milliseconds. */
  settleMs?: number;
  /** Whether it is asked for what it leaves open. */
  isGuarded?: boolean;
}

export class Guard {
  readonly options: Options;
  readonly #probe: Probe;
  readonly #runner: Runner;
  /** Tests that have not ended. */
  readonly #running: Set<Scope> = new Set();
  readonly #ownOptions: WeakMap<Scope, ScopeOptions> = new WeakMap();
  #leaks: Leaks | null = null;
  #ending: NodeJS.Timeout | undefined;

  constructor(probe: Probe, options: Options, runner: Runner) {
    this.#probe = probe;
    this.options = options;
    this.#runner = runner;
    if (runner.original) probe.tests.readBy(runner.original);
    // which are about the whole run, and must be right before a test has changed anything
    if (options.out !== null || options.updatesBaseline || existsSync(options.baseline)) this.#loadLeaks();
  }

  begin(name: string, kind: TestKind, within: Scope | null): Scope {
    const scope = this.#probe.tests.begin(name, kind, within);
    if (kind === 'test') this.#running.add(scope);
    return scope;
  }

  /** The test or suite that what runs now is part of. */
  current(): Scope | null {
    return this.#probe.tests.current();
  }

  run<T>(scope: Scope, work: () => T): T {
    return this.#probe.tests.run(scope, work);
  }

  /** See `Probe.loaded`. */
  loaded(file: string, module: { exports: unknown }): void {
    this.#probe.loaded(file, module);
  }

  /** Of what a test has failed with, before it is shown. */
  failed(error: unknown): void {
    withoutOwnFrames(error);
  }

  isOwing(scope: Scope): boolean {
    return this.#probe.tests.isOwing(scope);
  }

  /** For what runs now. False: that is part of no test or suite. */
  set(options: ScopeOptions): boolean {
    const scope = this.current();
    if (scope) this.#ownOptions.set(scope, { ...this.#ownOptions.get(scope), ...options });
    return scope !== null;
  }

  /** The scope ends; what is open in it, its suite is asked for. */
  end(scope: Scope): void {
    this.#running.delete(scope);
    this.#probe.tests.end(scope);
    // a file: workers are ended without a word
    if (scope.within === null) keepCompiled();
  }

  /** The scope ends without being judged: its test has failed, or is run again. */
  drop(scope: Scope): void {
    this.end(scope);
    this.#probe.tests.forgive(scope);
  }

  /** Ends the scope; null when all that was opened in it is given back, at once or soon. Nothing to wait for is no promise. */
  judge(scope: Scope): Promise<Leak | null> | null {
    this.end(scope);
    if (!this.isOwing(scope)) return null;
    if (this.#optionsOf(scope).isGuarded !== false) return this.#leakOf(scope);
    this.#probe.tests.forgive(scope);
    return null;
  }

  /** As `judge`, of what is meant to leak: whatever the baseline says. */
  async expected(scope: Scope): Promise<Finding[]> {
    this.end(scope);
    const owed = await this.#owedAtRest(scope);
    this.#probe.tests.forgive(scope);
    return owed.length === 0 ? [] : this.#loadLeaks().findingsOf(owed);
  }

  async #leakOf(scope: Scope): Promise<Leak | null> {
    const owed = await this.#owedAtRest(scope);
    if (owed.length === 0) return null;
    const leaks = this.#loadLeaks();
    const holders: Holders = leaks.isNews(owed) ? await this.#holdersOf(owed, scope) : new Map();
    this.#probe.tests.forgive(scope);
    return leaks.leakOf(owed, holders, scope);
  }

  async #owedAtRest(scope: Scope): Promise<Owed[]> {
    const { tests } = this.#probe;
    const { settleMs = this.options.settleMs } = this.#optionsOf(scope);
    let waited = 0;
    for (let wait = 1; tests.isOwing(scope); wait = Math.min(2 * wait, LONGEST_WAIT)) {
      if (waited >= settleMs) break;
      await pause(Math.min(wait, settleMs - waited));
      waited += wait;
    }
    if (!tests.isOwing(scope)) return [];
    // a job of its own: in one that has looked at a lease, that lease is held
    await pause(0);
    tests.prove();
    await pause(0);
    return tests.owed(scope);
  }

  /** Each of the innermost that has set it. */
  #optionsOf(scope: Scope): ScopeOptions {
    const outer = scope.within && this.#optionsOf(scope.within);
    return { ...outer, ...this.#ownOptions.get(scope) };
  }

  /** Empty where looking for them would hold up another test. */
  async #holdersOf(owed: readonly Owed[], scope: Scope): Promise<Holders> {
    const { snapshotMb } = this.options;
    if (snapshotMb === 0 || this.#running.size > 0) return new Map();
    // a job of its own, as above
    await pause(0);
    return this.#loadLeaks().holdersOf(owed, (file) => this.#probe.tests.snapshot(scope, file, snapshotMb));
  }

  /**
   * The runner has come to its end: what still holds the process some seconds later is said by line. Called again, it
   * begins anew: there was one more file to run.
   */
  watchEnd(): void {
    if (isWorker) return;
    originalClearTimeout(this.#ending);
    this.#ending = originalSetTimeout(() => this.#tellHanging(), this.options.hangMs).unref();
  }

  /** There is more to run. */
  unwatchEnd(): void {
    originalClearTimeout(this.#ending);
  }

  #tellHanging(): void {
    const kinds = process.getActiveResourcesInfo();
    const { endsHanging } = this.options;
    process.stderr.write(this.#loadLeaks().hangingMessage(this.#probe.tests.holding(), kinds, endsHanging));
    if (!endsHanging) return;
    // Mocha puts its own count of failures there as it exits
    process.on('exit', () => {
      process.exitCode = 1;
    });
    // node:test tells of what failed when nothing holds the process any more
    process.emit('beforeExit', 1);
    originalSetTimeout(() => process.exit(1), LAST_WORDS_MS);
  }

  #loadLeaks(): Leaks {
    this.#leaks ??= new (loadLeaks().Leaks)(this.options, this.#runner);
    return this.#leaks;
  }
}

/** The one guard of this thread, with the probe that it starts; one that was preloaded serves as well. */
export function startGuard(runner: Runner): Guard {
  const known = globalThis as { [key: symbol]: unknown };
  const guard = (known[GUARD] as Guard | undefined) ?? newGuard(runner);
  Object.defineProperty(globalThis, GUARD, { value: guard, configurable: true });
  return guard;
}

/** What a person can put right is shown without a stack. */
function newGuard(runner: Runner): Guard {
  try {
    const options = readOptions(process.env, process.argv);
    return new Guard(findProbe(), options, runner);
  } catch (error) {
    if (error instanceof UserError) error.stack = `outlive: ${error.message}`;
    throw error;
  }
}

function findProbe(): Probe {
  const known = (globalThis as { [key: symbol]: unknown })[PROBE] as Probe | undefined;
  if (known) return known;
  const began = process.cpuUsage();
  const { startForTests } = loadOnDemand((load) => load('./probe.js') as typeof import('../probe/probe.ts'));
  const register = path.join(__dirname, '../probe/register.js');
  const probe = startForTests(register, began);
  Object.defineProperty(globalThis, PROBE, { value: probe, configurable: true });
  hideModules();
  return probe;
}

/** By a timer that holds the process open, unlike the probe's: the runner waits for it. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => originalSetTimeout(resolve, milliseconds));
}

// as the build names the files: see build.mjs
const { loadOnDemand, hideModules, keepCompiled } =
  require('../probe/process/on-demand.js') as typeof import('../probe/process/on-demand.ts');
const loadLeaks = () => require('./leaks.js') as typeof import('./leaks.ts');
