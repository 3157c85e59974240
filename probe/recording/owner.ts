/** Whose a recording is. */
import type { ProcessLine } from './format.ts';

/** What the name of a recording tells; null when it is not one of ours. */
export function ownerOf(name: string): Pick<ProcessLine, 'pid' | 'thread' | 'startedMs'> | null {
  const [, pid, thread, startedMs] = /^(\d{1,15})-(\d{1,15})-(\d{1,15})\.jsonl$/.exec(name)?.map(Number) ?? [];
  return pid && thread !== undefined && startedMs ? { pid, thread, startedMs } : null;
}
