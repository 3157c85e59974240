/** The processes of a run that are still there when the one that was started is not, as what npm's shell ran. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { glance } from './glance.ts';
import { ownerOf } from './owner.ts';

/** Of our process group, where that can be seen: what was detached was meant to stay. */
export function survivorsIn(folder: string): number[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => ownerOf(name)?.thread === 0);
  } catch {
    return [];
  }
  const group = groupOf(process.pid);
  return names.flatMap((name) => {
    const { pid, isRunning } = glance(path.join(folder, name)) ?? { pid: 0, isRunning: false };
    return isRunning && pid !== process.pid && groupOf(pid) === group ? [pid] : [];
  });
}

/** -1 on systems without /proc; null where it has ended, and only its parent does not know yet. */
function groupOf(pid: number): number | null {
  if (process.platform !== 'linux') return -1;
  try {
    // the name in parentheses may hold anything
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' ? null : Number(group);
  } catch {
    return null;
  }
}
