/** Whether a process that does not answer stands still, or is only busy. */
import { readFileSync } from 'node:fs';

/**
 * By Linux: it was stopped, or sleeps though it was spoken to. A process that runs, or waits for a processor or a disk,
 * is busy. Null where nobody tells.
 */
export function standsStill(pid: number): boolean | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // after the name, which may hold anything
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return !/[RD]/.test(state);
  } catch {
    return null;
  }
}
