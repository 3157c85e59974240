/** A fault in the probe stays in the probe: it is counted, its part is switched off, the service sees nothing. */

/** Every part that fails by itself. A hook can only be of a part in this table. */
export const PARTS = [
  'modules',
  'generic-pool',
  'pg-pool',
  'pg',
  'oracledb',
  'oracledb-traps',
  'held',
  'timers',
  'http',
  'connects',
  'collections',
  'children',
  'workers',
  'control',
  'inject',
  'telemetry',
  'signals',
  'tick',
  'exit',
  'last judgement',
  'report',
] as const;
export type Part = (typeof PARTS)[number];

/** Parts that failed, and how often. A part in here does nothing any more. */
export const faults: Map<Part, number> = new Map();

/** `OUTLIVE_TEST_FAULT=pg:3` makes the third hook of pg throw: for the test that the service does not see it. */
const [faultyPart, faultyCall] = (process.env.OUTLIVE_TEST_FAULT ?? '').split(':');
let callsToFault = Number(faultyCall);

export function fault(part: Part): void {
  faults.set(part, (faults.get(part) ?? 0) + 1);
}

export function isOff(part: Part): boolean {
  return faults.size !== 0 && faults.has(part);
}

/** Nothing is known any more of what is open of a library whose adapter is off: it may all have come back. */
export function isUnwatched(library: string): boolean {
  if (faults.size === 0) return false;
  // `pg pool` and `oracledb result set` are of the adapters `pg` and `oracledb`
  const [part] = library.split(' ');
  return faults.has(part as Part);
}

/**
 * Runs a hook of `part`; whatever it throws ends that part, never the caller. What runs for each acquire is given its
 * arguments instead of closing over them: a closure each time is work for the garbage collector.
 */
export function guarded<T>(part: Part, hook: () => T): T | undefined;
export function guarded<T, A>(part: Part, hook: (a: A) => T, a: A): T | undefined;
export function guarded<T, A, B>(part: Part, hook: (a: A, b: B) => T, a: A, b: B): T | undefined;
export function guarded<T, A, B, C>(part: Part, hook: (a: A, b: B, c: C) => T, a: A, b: B, c: C): T | undefined;
export function guarded<T>(
  part: Part,
  hook: (a?: unknown, b?: unknown, c?: unknown) => T,
  a?: unknown,
  b?: unknown,
  c?: unknown,
): T | undefined {
  if (isOff(part)) return undefined;
  try {
    if (part === faultyPart && --callsToFault === 0) throw new Error('a fault for the test');
    return hook(a, b, c);
  } catch {
    fault(part);
    return undefined;
  }
}

export function faultCount(): number {
  let count = 0;
  for (const times of faults.values()) count += times;
  return count;
}
