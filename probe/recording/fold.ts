/** What a recording makes of each type of entry, as it comes. */
import { time } from './check.ts';
import { Draft } from './draft.ts';
import type { Entry, Recording } from './format.ts';
import type { EntryOf, Type } from './kept-entries.ts';

/** Beyond these, the oldest are dropped. */
const MOST = { collections: 5000, runs: 20_000, held: 2000, faults: 100 };

/** The newest `most`, or somewhat more. */
function keep<T>(list: T[], item: T, most: number): T[] {
  list.push(item);
  return list.length < most * 2 ? list : list.slice(-most);
}

const FOLDS: { [T in Type]: (draft: Draft, entry: EntryOf<T>) => void } = {
  // begun anew, it says all of this once more
  process: ({ recording }) => Object.assign(recording, { adapters: [], unsupported: [], unseen: [], started: [] }),
  adapter: ({ recording }, { name }) => recording.adapters.push(name),
  unsupported: ({ recording }, { what }) => recording.unsupported.push(what),
  unseen: ({ recording }, { what, why }) => recording.unseen.push({ what, why }),
  started: ({ recording }, entry) => recording.started.push(entry),
  site: ({ recording }, { id, stack }) => recording.sites.set(id, stack),
  source: ({ recording }, { file, line, column, module, ordinal, excerpt, isCompiled }) =>
    recording.places.set(`${file}:${line}:${column}`, { module, ordinal, excerpt, isCompiled }),
  pool: ({ recording }, entry) => recording.pools.set(entry.id, entry),
  sample: ({ samples }, entry) => samples.push(entry),
  gc: ({ recording }, entry) => {
    recording.collections = keep(recording.collections, entry, MOST.collections);
  },
  round: ({ recording }, entry) => recording.rounds.push(entry),
  forecast: ({ recording }, entry) => {
    recording.forecast ??= entry;
  },
  run: ({ recording }, entry) => {
    recording.runs = keep(recording.runs, entry, MOST.runs);
  },
  scopes: ({ recording }, { scopes }) => {
    recording.scopes = scopes;
  },
  totals: (draft, entry) => draft.totals(entry),
  lines: ({ recording }, { lines }) => {
    recording.openSites = lines;
  },
  handles: ({ recording }, { handles }) => {
    recording.handles = handles;
  },
  held: ({ recording }, entry) => {
    recording.held = keep(recording.held, entry, MOST.held);
  },
  finding: ({ recording: { findings } }, { at, key, finding }) =>
    findings.set(key, { at: findings.get(key)?.at ?? at, finding }),
  withdrawn: ({ recording: { findings, withdrawn } }, { at, key, why }) => {
    const found = findings.get(key);
    findings.delete(key);
    if (found) withdrawn.push({ at, finding: found.finding, why });
  },
  notice: ({ recording }, entry) =>
    recording.notices.set(JSON.stringify([entry.library, entry.pool, entry.name]), entry),
  end: ({ recording }, entry) => {
    recording.end = entry;
  },
  died: ({ recording }, { signal }) => {
    recording.died = signal;
  },
  cost: ({ recording }, entry) => {
    const { at, faults: count } = entry;
    if (count > (recording.cost?.faults ?? 0)) recording.faults = keep(recording.faults, { at, count }, MOST.faults);
    recording.cost = entry;
  },
};

export function fold(draft: Draft, entry: Entry): void {
  // a type that is not known may have anything there
  if ('at' in entry && time(entry.at) && entry.at > draft.recording.lastAt) draft.recording.lastAt = entry.at;
  // … and says nothing to this version
  if (Object.hasOwn(FOLDS, entry.t)) (FOLDS[entry.t] as (draft: Draft, entry: Entry) => void)(draft, entry);
}

/** What stands in `file`, for whoever has written it. */
export function recordingOf(file: string, standing: readonly Entry[]): Recording | null {
  const [first] = standing;
  if (first?.t !== 'process') return null;
  const draft = new Draft(file, first);
  for (const entry of standing) fold(draft, entry);
  return draft.end();
}
