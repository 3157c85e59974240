/** What only the one who started a process knows of its end, added to the recording that could not say it. */
import { closeSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DiedLine } from './format.ts';
import { glance } from './glance.ts';
import { appendOwn } from './own.ts';
import { ownerOf } from './owner.ts';

/**
 * `pid`: what was started. Where that was a shell, and ended as a shell does when its program died by a signal, it is
 * the recording without an end that is meant, if there is only one. Never throws.
 */
export function noteDeath(folder: string, pid: number, signal: NodeJS.Signals | null): void {
  if (signal === null) return;
  try {
    const files = readdirSync(folder).filter((name) => ownerOf(name)?.thread === 0);
    const open = files.flatMap((name) => {
      const seen = glance(path.join(folder, name));
      return seen && !seen.hasEnded && !seen.isRunning ? [{ name, pid: seen.pid }] : [];
    });
    const own = open.find((each) => each.pid === pid) ?? (open.length === 1 ? open[0] : undefined);
    if (!own) return;
    const descriptor = appendOwn(path.join(folder, own.name));
    // what was written last may be torn
    writeFileSync(descriptor, `\n${JSON.stringify({ t: 'died', signal } satisfies DiedLine)}\n`);
    closeSync(descriptor);
  } catch {
    // the report then says less
  }
}
