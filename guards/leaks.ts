/**
 * What scopes left open, as leaks to fail with: who holds them, whether they are news, in words. Loaded with the first
 * of them, or where a run is to be written down from its beginning: most runs need none of it.
 */
import type { Frame } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { Sources } from '../probe/recording/source.ts';
import type { Owed } from '../probe/tests.ts';
import { Baseline } from './baseline.ts';
import type { Leak, Runner, Scope } from './core.ts';
import { findingOf, withHolders } from './finding.ts';
import { type WriteSnapshot, whoHolds } from './holders.ts';
import { hangingMessage, messageOf, stackOf } from './message.ts';
import type { Options } from './options.ts';
import { Teller } from './tell.ts';

export type Holders = Awaited<ReturnType<typeof whoHolds>>;

/** Of one process: each holds it up for a moment. */
const MOST_SNAPSHOTS = 5;

export class Leaks {
  readonly #runner: Runner;
  readonly #baseline: Baseline;
  readonly #teller: Teller;
  #snapshots = 0;

  constructor(options: Options, runner: Runner) {
    this.#runner = runner;
    this.#baseline = new Baseline(options.baseline, options.updatesBaseline);
    this.#teller = new Teller(options.out, options.annotates);
  }

  /** Whether any of it is not known already. */
  isNews(owed: readonly Owed[]): boolean {
    return this.findingsOf(owed).some((finding) => this.#isUnknown(finding));
  }

  /** Empty where that is proven already, or enough was looked for. */
  async holdersOf(owed: readonly Owed[], write: WriteSnapshot): Promise<Holders> {
    const isProven = owed.every(({ count, orphans }) => orphans === count);
    if (isProven || this.#snapshots >= MOST_SNAPSHOTS) return new Map();
    this.#snapshots++;
    return whoHolds(write);
  }

  /** Null when all of it is known. Else it is told wherever leaks are told. */
  leakOf(owed: readonly Owed[], holders: Holders, scope: Scope): Leak | null {
    const unknown = this.findingsOf(owed, holders).filter((finding) => this.#isUnknown(finding));
    if (unknown.length === 0) return null;
    this.#teller.tell(unknown, scope);
    const [{ stack: frames = [], site = null } = {}] = unknown;
    const blamed = frames.findIndex((frame) => isAt(frame, site));
    const what = scope.kind === 'test' ? 'the test' : scope.within === null ? 'the file' : `the suite "${scope.name}"`;
    const message = messageOf(unknown, { what, showsCode: this.#runner.showsCode });
    return leakOf(message, stackOf(frames, blamed));
  }

  /** What holds the process though the tests are over. `kinds`: what Node says of it. `ends`: that ends it. */
  hangingMessage(owed: readonly Owed[], kinds: readonly string[], ends: boolean): string {
    return hangingMessage(this.findingsOf(owed), kinds, ends);
  }

  findingsOf(owed: readonly Owed[], holders: Holders = new Map()): Finding[] {
    const sources = new Sources();
    const { original } = this.#runner;
    return owed.map((each) => {
      const finding = findingOf(each, (frame) => original?.(frame) ?? sources.original(frame), sources);
      return withHolders(finding, holders.get(each.key));
    });
  }

  #isUnknown({ id, site }: Finding): boolean {
    return !this.#baseline.knows(id, site);
  }
}

function isAt({ file, line, column }: Frame, site: Finding['site']): boolean {
  return file === site?.file && line === site.line && column === site.column;
}

function leakOf(message: string, stack: string): Leak {
  const error = new Error(message);
  error.name = 'LeakError';
  error.stack = `LeakError: ${message}\n${stack}`;
  return { message, stack: error.stack, error };
}
