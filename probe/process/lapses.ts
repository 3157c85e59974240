/** A lapse is an error of the probe's own. It stays in the probe: it is counted, its part is switched off, the service sees nothing. */
import { ADAPTERS, type AdapterName } from '../adapters.ts';

/** What fails by itself beside the adapters. */
const OWN_PARTS = [
  'modules',
  'compilers',
  'source-lines',
  'script-maps',
  'oracledb-traps',
  'connections-in-use',
  'unmark-pooled-sockets',
  'connects',
  'bundles',
  'active-handles',
  'elsewhere',
  'collections',
  'growth',
  'proof',
  'heapdump',
  'children',
  'workers',
  'control',
  'inject',
  'telemetry',
  'notify',
  'signals',
  'tick',
  'exit',
  'last judgement',
  'report',
] as const;
export type Part = AdapterName | (typeof OWN_PARTS)[number];

/** Every part that fails by itself. A hook can only be of a part in this table. */
export const PARTS: readonly Part[] = [...ADAPTERS.map(({ name }) => name), ...OWN_PARTS];

/** Parts that failed, and how often. A part in here does nothing any more. */
const lapses: Map<string, number> = new Map();

/** What is not seen any more once a part has failed that is no adapter. */
const BLIND_TO: Partial<Record<Part, string>> = {
  modules: 'libraries',
  children: 'child processes',
  workers: 'worker threads',
  tick: 'what is open while it runs',
  'last judgement': 'what is open at the end',
};

/** `OUTLIVE_TEST_LAPSE=pg:3` makes the third hook of pg throw: for the test that the service does not see it. */
const [failingPart, failingCall] = (process.env.OUTLIVE_TEST_LAPSE ?? '').split(':');
let callsToLapse = Number(failingCall);

let areAllOff = false;

/** Whether the hooks of a part are run; where that is asked for each acquire, it is asked of this. */
export class Gate {
  readonly #part: Part;
  isShut: boolean = areAllOff;

  constructor(part: Part) {
    this.#part = part;
  }

  /** One of its hooks has thrown: that was the last one. */
  lapse(): void {
    lapses.set(this.#part, (lapses.get(this.#part) ?? 0) + 1);
    this.isShut = true;
  }
}

const gates: Map<Part, Gate> = new Map();

export function gateOf(part: Part): Gate {
  let gate = gates.get(part);
  if (!gate) {
    gate = new Gate(part);
    gates.set(part, gate);
  }
  return gate;
}

/** The probe leaves: hooks that stay because somebody has wrapped them since do nothing any more. */
export function switchAllOff(): void {
  areAllOff = true;
  for (const gate of gates.values()) gate.isShut = true;
}

/** `hooks` themselves, but in the test that the service does not see them fail. */
export function failing<H extends object>(part: Part, hooks: H): H {
  if (part !== failingPart) return hooks;
  const fail =
    (hook: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      if (--callsToLapse === 0) throw new Error('a lapse for the test');
      return hook(...args);
    };
  const all = Object.entries(hooks).map(([name, hook]) => [name, typeof hook === 'function' ? fail(hook) : hook]);
  return Object.fromEntries(all) as H;
}

/** Whether a part has failed. Of what is open of an adapter that is off nothing is known any more: it may have come back. */
export function isOff(part: string): boolean {
  return areAllOff || (lapses.size !== 0 && lapses.has(part));
}

/**
 * Runs a hook of `part`; whatever it throws ends that part, never the caller. What runs for each acquire is given its
 * arguments instead of closing over them: a closure each time is work for the garbage collector.
 */
export function guarded<T>(part: Part, hook: () => T): T | undefined;
export function guarded<T, A>(part: Part, hook: (a: A) => T, a: A): T | undefined;
export function guarded<T, A, B>(part: Part, hook: (a: A, b: B) => T, a: A, b: B): T | undefined;
export function guarded<T, A, B, C>(part: Part, hook: (a: A, b: B, c: C) => T, a: A, b: B, c: C): T | undefined;
export function guarded<T, A, B, C, D>(
  part: Part,
  hook: (a: A, b: B, c: C, d: D) => T,
  ...args: [a: A, b: B, c: C, d: D]
): T | undefined;
export function guarded<T>(
  part: Part,
  hook: (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => T,
  a?: unknown,
  b?: unknown,
  c?: unknown,
  d?: unknown,
): T | undefined {
  if (isOff(part)) return undefined;
  try {
    if (part === failingPart && --callsToLapse === 0) throw new Error('a lapse for the test');
    return hook(a, b, c, d);
  } catch {
    gateOf(part).lapse();
    return undefined;
  }
}

export function lapseCount(): number {
  let count = 0;
  for (const times of lapses.values()) count += times;
  return count;
}

/** In words, what is not seen any more. */
export function blindTo(): string[] {
  const isAdapter = (part: string): boolean => ADAPTERS.some(({ name }) => name === part);
  return [...lapses.keys()].flatMap((part) => (isAdapter(part) ? part : (BLIND_TO[part as Part] ?? [])));
}
