/** What a process of the cluster takes, as shown on the job manager's page. */
import { readdirSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import type { Metrics } from './protocol.ts';

export function metricsOf(connections: number): Metrics {
  const { used_heap_size: heapUsed, number_of_native_contexts: contexts } = getHeapStatistics();
  return { connections, threads: threads(), contexts, heapUsed, rss: process.memoryUsage.rss() };
}

function threads(): number | null {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return null;
  }
}
