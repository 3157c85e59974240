/** How much memory may still be taken, bytes: of the machine, and of the container where that has less. */
import { freemem, totalmem } from 'node:os';
import { readFileSync } from './runtime.ts';

export function freeMemory(): number {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return limit < totalmem() ? Math.min(freemem(), limit - usedInContainer()) : freemem();
}

/** Without the files that the kernel keeps in memory until it is needed. Where the container does not tell: our own. */
function usedInContainer(): number {
  try {
    const used = Number(readFileSync('/sys/fs/cgroup/memory.current', 'utf8'));
    const [, files] = /^inactive_file (\d+)$/m.exec(readFileSync('/sys/fs/cgroup/memory.stat', 'utf8')) ?? [];
    return used - Number(files ?? 0);
  } catch {
    return process.memoryUsage.rss();
  }
}
