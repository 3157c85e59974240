/**
 * The probe as a guest: `outlive attach` loads this file into a thread of a program that runs, through its inspector,
 * and speaks to it by a symbol of the global object. Each call comes in a job of its own.
 *
 * It stays as long as it hears of who sent it. After some seconds of silence it leaves by itself, takes back what it has
 * changed, and closes the inspector if it was opened for it: a killed `outlive` leaves nothing behind.
 */
import { accessSync, constants } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import type { PoolNumbers } from '../account/pool-numbers.ts';
import { Probe } from '../probe.ts';
import { guarded } from '../process/lapses.ts';
import { hideModules } from '../process/on-demand.ts';
import { cpuNow, every, later } from '../process/runtime.ts';
import { readSettings } from '../process/settings.ts';

const PROBE = Symbol.for('outlive.probe');
const VISIT = Symbol.for('outlive.visit');

const SECOND = 1000;
/** So many seconds of silence; one that the event loop was held in counts once. */
const PATIENCE = 5;
/** Between the answer and the end of the connection that it goes through. */
const CLOSE_AFTER_MS = 100;

export interface VisitOptions {
  /** Where to write; an absolute path. */
  folder: string;
  /** `OUTLIVE_*`, as they would be set in the environment. */
  settings: Record<string, string>;
  /** The inspector was opened for the visit. */
  closesInspector: boolean;
}

/** What is there when it begins. */
export interface Arrival {
  /** Bytes. */
  heapUsed: number;
  /** Libraries of pools that are loaded; one for each copy. */
  kinds: string[];
  /** What keeps the event loop alive, by Node's own names. */
  active: Record<string, number>;
}

export class Visit {
  readonly #probe: Probe;
  readonly #closesInspector: boolean;
  readonly #stopListening: () => void;
  #isHeard = true;
  #silence = 0;

  constructor({ folder, settings, closesInspector }: VisitOptions) {
    this.#closesInspector = closesInspector;
    this.#probe = new Probe(__filename, { ...readSettings(settings), folder, isLate: true });
    this.#stopListening = every(SECOND, () => this.#listen());
  }

  /** `began`: CPU time of this thread when loading the probe began. */
  begin(began: number): Arrival {
    const before = process.getActiveResourcesInfo();
    this.#probe.start(began);
    this.#probe.unseen(
      'what was open before',
      'outlive was attached late: of what was taken before, only what pools had lent is known, and not where.',
    );
    const active: Record<string, number> = {};
    for (const name of before) active[name] = (active[name] ?? 0) + 1;
    const kinds = this.#probe.poolKinds.map(({ library }) => library);
    return { heapUsed: getHeapStatistics().used_heap_size, kinds, active };
  }

  /** The prototype that all pools of a kind share: what the inspector finds them by. */
  prototypeOf(kind: number): object | undefined {
    return this.#probe.poolKinds[kind]?.prototype;
  }

  /** Objects with that prototype, the pools among them. */
  meet(kind: number, objects: readonly object[]): void {
    for (const each of objects) guarded('modules', () => this.#probe.poolKinds[kind]?.meet(each));
  }

  /** To be called at least every few seconds. */
  look(): PoolNumbers[] {
    this.#isHeard = true;
    return this.#probe.pools();
  }

  /** A job of its own, before each collection. */
  prepare(): void {
    this.#probe.prepare();
  }

  /** One collection, which is all that this job does. */
  collect(): void {
    this.#isHeard = true;
    this.#probe.collect();
  }

  /** After a collection: which leases can nobody reach any more. */
  prove(): PoolNumbers[] {
    this.#probe.judge();
    return this.look();
  }

  /** Writes who holds what beside the recording; holds the thread for up to 60 ms per MB. A sentence why it does not. */
  snapshot(maxMb: number): string | null {
    this.#isHeard = true;
    return this.#probe.snapshot('last', maxMb);
  }

  unseen(what: string, why: string): void {
    this.#probe.unseen(what, why);
  }

  leave(): PoolNumbers[] {
    this.#stopListening();
    this.#probe.leave();
    const pools = this.#probe.pools();
    const globals = globalThis as { [key: symbol]: unknown };
    if (globals[VISIT] === this) delete globals[VISIT];
    if (globals[PROBE] === this.#probe) delete globals[PROBE];
    forgetFiles();
    if (this.#closesInspector && isMainThread) {
      later(CLOSE_AFTER_MS, () => process.getBuiltinModule('node:inspector').close());
    }
    return pools;
  }

  #listen(): void {
    this.#silence = this.#isHeard ? 0 : this.#silence + 1;
    this.#isHeard = false;
    if (this.#silence >= PATIENCE) this.leave();
  }

  /** For `scope()`, and for whoever asks whether a probe is there. */
  announce(): void {
    Object.defineProperty(globalThis, PROBE, { value: this.#probe, configurable: true });
    Object.defineProperty(globalThis, VISIT, { value: this, configurable: true });
  }
}

/** Called through the inspector. Throws where the folder cannot be written. */
export function begin(options: VisitOptions): Arrival {
  const began = cpuNow();
  accessSync(options.folder, constants.W_OK);
  const visit = new Visit(options);
  visit.announce();
  hideModules();
  return visit.begin(began);
}

/** Where Node has noted which file a name stands for. */
function forgetFiles(): void {
  const own = path.dirname(__dirname) + path.sep;
  const paths = (Module as unknown as { _pathCache: Record<string, string> })._pathCache;
  for (const [key, file] of Object.entries(paths)) if (file.startsWith(own)) delete paths[key];
}
