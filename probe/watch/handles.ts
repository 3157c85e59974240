/** What Node itself hands out, and a service leaves running. Nothing is loaded for it that the service does not load itself. */
import type { Crowd } from '../account/crowd.ts';
import { ADAPTERS, type AdapterName, type AdapterRow } from '../adapters.ts';
import { guarded } from '../process/lapses.ts';
import { type LoadPart, loadOnDemand } from '../process/on-demand.ts';
import { onMade } from '../process/on-made.ts';
import type { Desk } from './desk.ts';
import { watchAgents } from './handles/agents.ts';
import { watchChildren } from './handles/children.ts';
import { watchContexts } from './handles/contexts.ts';
import { watchEmitters } from './handles/emitters.ts';
import { watchFiles } from './handles/files.ts';
import { watchIterators } from './handles/iterators.ts';
import { watchListeners } from './handles/listeners.ts';
import { onceLoaded } from './handles/once-loaded.ts';
import { watchPorts } from './handles/ports.ts';
import { watchLineReaders } from './handles/readline.ts';
import { watchResponses } from './handles/responses.ts';
import { watchServers } from './handles/servers.ts';
import { watchSockets } from './handles/sockets.ts';
import { watchThreads } from './handles/threads.ts';
import { watchTimers } from './handles/timers.ts';
import { watchWatchers } from './handles/watchers.ts';

// as the build names the file: few programs use it
const loadSqlite = (load: LoadPart) => load('./watch/handles/sqlite.js') as typeof import('./handles/sqlite.ts');

const SQLITE = 'node-sqlite' satisfies AdapterName;

const WATCH: Partial<Record<AdapterName, (desk: Desk) => void>> = {
  timers: watchTimers,
  threads: watchThreads,
  ports: watchPorts,
  'child-processes': watchChildren,
  watchers: watchWatchers,
  files: watchFiles,
  readline: watchLineReaders,
  contexts: watchContexts,
  emitters: watchEmitters,
  sockets: watchSockets,
  'http-agents': watchAgents,
  servers: watchServers,
  responses: watchResponses,
  iterators: watchIterators,
  'node-sqlite': (desk) => onceLoaded(desk, SQLITE, 'sqlite', () => loadOnDemand(loadSqlite).watchSqlite(desk)),
};

/** What they change cannot be taken back. */
const STAYS: ReadonlySet<string> = new Set(
  ADAPTERS.filter((row: AdapterRow) => row.attaches === false).map(({ name }) => name),
);

export interface WatchedHandles {
  /** Names of adapters that are switched off. */
  off: readonly string[];
  /** What Node warns of is added to these. */
  crowds: Crowd[];
  /** Whether tests come next, which take classes out of modules as soon as those are loaded. */
  isForTests: boolean;
}

export function watchHandles(desk: Desk, { off, crowds, isForTests }: WatchedHandles): void {
  const isOff = (name: string) => off.includes(name) || (desk.isLate && STAYS.has(name));
  const watches = isForTests && isSqliteStable() ? { ...WATCH, [SQLITE]: watchSqliteAhead } : WATCH;
  if (!isOff('listeners')) guarded('listeners', watchListeners, desk, crowds);
  for (const [name, watch] of Object.entries(watches)) {
    if (!isOff(name)) guarded(name as AdapterName, watch, desk);
  }
}

/** It is no experiment any more, of which loading it would warn. */
function isSqliteStable(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 25 || (major === 25 && minor >= 7) || (major === 24 && minor >= 15);
}

/** All else is loaded with the first database. */
function watchSqliteAhead(desk: Desk): void {
  let made: ReturnType<ReturnType<typeof loadSqlite>['watchDatabases']> | undefined;
  onMade(SQLITE, process.getBuiltinModule('node:sqlite'), 'DatabaseSync', (database, wrapper) => {
    made ??= loadOnDemand(loadSqlite).watchDatabases(desk);
    made?.(database, wrapper);
  });
}
