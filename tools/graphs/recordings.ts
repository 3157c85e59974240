/** What graphs are drawn of. Read as built, since the probe is CommonJS. */
import path from 'node:path';

export interface Recording {
  process: { parent: number; thread: number };
  samples: { at: number; nativeContexts: number; heapUsed: number; rss: number }[];
  collections: { at: number; heapUsed: number }[];
}

export interface Database {
  looks: { at: number; sessions: Record<string, number>; cpuMs: number | null; memoryBytes: number | null }[];
}

const READERS = '../../dist/probe/recording';

export async function recordingsOf(folder: string, variant: string): Promise<Recording[]> {
  const { readRun } = (await import(`${READERS}/reader.js`)) as {
    readRun(folder: string): { recordings: Recording[] };
  };
  return readRun(path.join(folder, variant)).recordings;
}

export async function databaseOf(folder: string, variant: string): Promise<Database | undefined> {
  const { readDatabases } = (await import(`${READERS}/database.js`)) as {
    readDatabases(folder: string): { databases: Database[] };
  };
  return readDatabases(path.join(folder, variant)).databases[0];
}
