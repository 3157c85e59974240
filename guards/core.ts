/**
 * The guard of a test runner: each test is a scope of its own, and fails by itself when something that was opened in it
 * is still open a moment after its hooks. The runners' plug-ins say when a test begins and ends, and let it fail.
 */
import path from 'node:path';
import type { Scope, TestKind } from '../probe/account/scope.ts';
import type { Probe } from '../probe/probe.ts';
import type { Frame } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import type { Owed } from '../probe/tests.ts';
import { UserError } from '../user-error.ts';
import { Baseline } from './baseline.ts';
import { findingOf, type Original, withHolders } from './finding.ts';
import { whoHolds } from './holders.ts';
import { hangingMessage, messageOf, stackOf } from './message.ts';
import { type Options, readOptions } from './options.ts';
import { Teller } from './tell.ts';

export type { Frame, Scope };

type Holders = Awaited<ReturnType<typeof whoHolds>>;

const PROBE = Symbol.for('outlive.probe');
const GUARD = Symbol.for('outlive.guard');
/** Between two looks, milliseconds: doubled each time, up to this. */
const LONGEST_WAIT = 128;
/** Of one process: each holds it up for a moment. */
const MOST_SNAPSHOTS = 5;

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
  /** Below the message, as in any error's stack: the line that took the first. */
  stack: string;
  findings: Finding[];
}

export class Guard {
  readonly options: Options;
  readonly #probe: Probe;
  readonly #runner: Runner;
  readonly #baseline: Baseline;
  readonly #teller: Teller;
  /** Tests that have not ended. */
  readonly #running: Set<Scope> = new Set();
  #snapshots = 0;
  #ending: NodeJS.Timeout | undefined;

  constructor(probe: Probe, options: Options, runner: Runner) {
    this.#probe = probe;
    this.options = options;
    this.#runner = runner;
    this.#baseline = new Baseline(options.baseline, options.updatesBaseline);
    this.#teller = new Teller(options.out, options.annotates);
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
  loaded(file: string, exports: unknown): void {
    this.#probe.loaded(file, exports);
  }

  isOwing(scope: Scope): boolean {
    return this.#probe.tests.isOwing(scope);
  }

  /** The scope ends; what is open in it, its suite is asked for. */
  end(scope: Scope): void {
    this.#running.delete(scope);
    this.#probe.tests.end(scope);
  }

  /** The scope ends without being judged: its test has failed, or is run again. */
  drop(scope: Scope): void {
    this.end(scope);
    this.#probe.tests.forgive(scope);
  }

  /** Ends the scope; null when all that was opened in it is given back, at once or soon. */
  async judge(scope: Scope): Promise<Leak | null> {
    this.end(scope);
    const owed = await this.#owedAtRest(scope);
    if (owed.length === 0) return null;
    const isNews = this.#findingsOf(owed).some(({ id, site }) => !this.#baseline.knows(id, site));
    const holders = isNews ? await this.#holdersOf(owed, scope) : new Map();
    this.#probe.tests.forgive(scope);
    const unknown = this.#findingsOf(owed, holders).filter(({ id, site }) => !this.#baseline.knows(id, site));
    if (unknown.length === 0) return null;
    this.#teller.tell(unknown, scope);
    return this.#leakOf(unknown, scope);
  }

  /** As `judge`, of what is meant to leak: whatever the baseline says. */
  async expected(scope: Scope): Promise<Finding[]> {
    this.end(scope);
    const owed = await this.#owedAtRest(scope);
    this.#probe.tests.forgive(scope);
    return this.#findingsOf(owed);
  }

  async #owedAtRest(scope: Scope): Promise<Owed[]> {
    const { tests } = this.#probe;
    let waited = 0;
    for (let wait = 1; tests.isOwing(scope); wait = Math.min(2 * wait, LONGEST_WAIT)) {
      if (waited >= this.options.settleMs) break;
      await pause(Math.min(wait, this.options.settleMs - waited));
      waited += wait;
    }
    if (!tests.isOwing(scope)) return [];
    // a job of its own: in one that has looked at a lease, that lease is held
    await pause(0);
    tests.prove();
    await pause(0);
    return tests.owed(scope);
  }

  /** Empty where that is proven already, or would hold up another test. */
  async #holdersOf(owed: readonly Owed[], scope: Scope): Promise<Holders> {
    const { snapshotMb } = this.options;
    const isProven = owed.every(({ count, orphans }) => orphans === count);
    if (isProven || snapshotMb === 0 || this.#running.size > 0 || this.#snapshots >= MOST_SNAPSHOTS) return new Map();
    this.#snapshots++;
    // a job of its own, as above
    await pause(0);
    return whoHolds((file) => this.#probe.tests.snapshot(scope, file, snapshotMb));
  }

  /**
   * The runner has come to its end: what still holds the process some seconds later is said by line. Called again, it
   * begins anew: there was one more file to run.
   */
  watchEnd(): void {
    originalClearTimeout(this.#ending);
    this.#ending = originalSetTimeout(() => this.#tellHanging(), this.options.hangMs).unref();
  }

  /** There is more to run. */
  unwatchEnd(): void {
    originalClearTimeout(this.#ending);
  }

  #tellHanging(): void {
    const kinds = process.getActiveResourcesInfo();
    process.stderr.write(hangingMessage(this.#findingsOf(this.#probe.tests.holding()), kinds));
    if (!this.options.endsHanging) return;
    // Mocha puts its own count of failures there as it exits
    process.on('exit', () => {
      process.exitCode = 1;
    });
    process.exit(1);
  }

  #findingsOf(owed: readonly Owed[], holders: Holders = new Map()): Finding[] {
    const sources = new Sources();
    const { original } = this.#runner;
    return owed.map((each) => {
      const finding = findingOf(each, (frame) => original?.(frame) ?? sources.original(frame), sources);
      return withHolders(finding, holders.get(each.key));
    });
  }

  #leakOf(findings: Finding[], scope: Scope): Leak {
    const { showsCode } = this.#runner;
    const [{ stack = [], site = null } = {}] = findings;
    const blamed = stack.findIndex(
      ({ file, line, column }) => file === site?.file && line === site.line && column === site.column,
    );
    const what = scope.kind === 'test' ? 'the test' : scope.within === null ? 'the file' : `the suite "${scope.name}"`;
    return {
      message: messageOf(findings, { what, showsCode }),
      stack: stackOf(stack, blamed),
      findings,
    };
  }
}

/** A leak as an error to fail with. */
export function errorOf({ message, stack }: Leak): Error {
  const error = new Error(message);
  error.name = 'LeakError';
  error.stack = `LeakError: ${message}\n${stack}`;
  return error;
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
  const { startForTests, hideModules } = require('../probe/probe.js') as typeof import('../probe/probe.ts');
  const register = path.join(__dirname, '../probe/register.js');
  const probe = startForTests(register, began);
  Object.defineProperty(globalThis, PROBE, { value: probe, configurable: true });
  hideModules(register);
  return probe;
}

/** By a timer that holds the process open, unlike the probe's: the runner waits for it. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => originalSetTimeout(resolve, milliseconds));
}
