/** Which entries a recording keeps that has to begin anew. Each process loads this at its start, and few need to read. */
import type { Entry } from './format.ts';

export type Type = Entry['t'];
export type EntryOf<T extends Type> = Extract<Entry, { t: T }>;

/** The latest entry of its type stands for all. */
const latest = ({ t }: { t: Type }): string => t;
const latestOfId = ({ t, id }: { t: Type; id: number }): string => `${t} ${id}`;
/** A finding's end too: the entry that it stood on may have been written before. */
const latestOfFinding = ({ key }: { key: string }): string => `finding ${key}`;
/** Lost with the file. */
const lost = (): null => null;
const MAX_ADAPTERS = 100;
let adapters = 0;

/**
 * Which entries must not be lost, enough to begin a recording anew when its file is gone or the disk was full: of equal
 * keys the latest stands for all.
 */
const KEYS: { [T in Type]: (entry: EntryOf<T>) => string | null } = {
  process: latest,
  // copies of one library say the same; a program may load it again and again
  adapter: () => `adapter ${++adapters % MAX_ADAPTERS}`,
  unsupported: ({ what }) => `unsupported ${what}`,
  unseen: ({ what }) => `unseen ${what}`,
  started: ({ pid, thread }) => `started ${pid} ${thread}`,
  site: latestOfId,
  source: ({ file, line, column }) => `source ${file}:${line}:${column}`,
  pool: latestOfId,
  sample: lost,
  gc: lost,
  round: ({ round }) => `round ${round}`,
  forecast: latest,
  run: lost,
  scopes: latest,
  totals: latest,
  lines: latest,
  handles: latest,
  held: lost,
  finding: latestOfFinding,
  withdrawn: latestOfFinding,
  notice: ({ library, pool, name }) => `notice ${library} ${pool} ${name}`,
  end: latest,
  died: latest,
  cost: latest,
};

/** Whether none of a kind was left out for there are so many. */
export function isWhole(kept: readonly Entry[]): boolean {
  return kept.filter(({ t }) => t === 'adapter').length < MAX_ADAPTERS;
}

/** Null: may be lost with the file. */
export function keyOf(entry: Entry): string | null {
  return (KEYS[entry.t] as (entry: Entry) => string | null)(entry);
}
