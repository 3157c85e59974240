/** How a process stands between two rounds of a soak: everything whose slope over equal rounds is judged (slopes.ts). */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import type { Ledger } from '../account/ledger.ts';
import { openByKind, owedByKind } from '../account/open-by-kind.ts';
import type { Kind, RoundLine } from '../recording/format.ts';

/** What Node calls its handles. Timers are not among them: the ledger knows which of those end by themselves. */
const HANDLES: Readonly<Record<string, Kind>> = {
  TCPSocketWrap: 'socket',
  PipeWrap: 'socket',
  UDPWrap: 'socket',
  TCPServerWrap: 'server',
  PipeServerWrap: 'server',
  ProcessWrap: 'child-process',
  MessagePort: 'port',
  FSEventWrap: 'watcher',
  StatWatcher: 'watcher',
};

export function atRest(ledger: Ledger): Omit<RoundLine, 't' | 'at' | 'round' | 'findings' | 'isCollected'> {
  const { used_heap_size: heapUsed, number_of_native_contexts: nativeContexts } = getHeapStatistics();
  const { rss, external } = process.memoryUsage();
  const handles = handlesByKind();
  return {
    open: openByKind(ledger),
    owed: owedByKind(ledger),
    handles: { ...handles, ...(handles.socket && { socket: Math.max(0, handles.socket - pooled(ledger)) }) },
    threads: threads(),
    ...{ heapUsed, external, rss, nativeContexts },
  };
}

function handlesByKind(): Partial<Record<Kind, number>> {
  const counts: Partial<Record<Kind, number>> = {};
  for (const name of process.getActiveResourcesInfo()) {
    const kind = Object.hasOwn(HANDLES, name) ? HANDLES[name] : undefined;
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Connections of pools that are watched: a pool opens them when it must, up to its own limit. */
function pooled({ sources }: Ledger): number {
  let count = 0;
  for (const { pool } of sources) {
    const { used = 0, idle = 0 } = pool?.gauges() ?? {};
    count += used + idle;
  }
  return count;
}

/** By Linux alone. */
function threads(): number | null {
  try {
    const [, count] = /^Threads:\s+(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}
