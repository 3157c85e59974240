/** A fault in the probe stays in the probe: it is counted, its part is switched off, the service sees nothing. */

/** Parts that failed, and how often. A part in here does nothing any more. */
export const faults: Map<string, number> = new Map();

export function fault(part: string): void {
  faults.set(part, (faults.get(part) ?? 0) + 1);
}

export function isOff(part: string): boolean {
  return faults.size !== 0 && faults.has(part);
}

/** Runs a hook of `part`; whatever it throws ends that part, never the caller. */
export function guarded<T>(part: string, hook: () => T): T | undefined {
  if (isOff(part)) return undefined;
  try {
    return hook();
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
