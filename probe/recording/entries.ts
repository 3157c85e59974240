/**
 * What there is to say of each type of entry, its shape (format.ts) aside: a new type is a row in `KEYS`, for the
 * writer, and one in `READ`, for the reader. The compiler asks for both. They are two tables since every process
 * loads the first at its start and few need the second: a bundle that does not read leaves `READ` out, as long as
 * nothing in it does more than make functions, and only literals are spread.
 */
import {
  type Check,
  flag,
  isObject,
  listOf,
  maybe,
  number,
  oneOf,
  optional,
  recordOf,
  shape,
  text,
  time,
  tuple,
} from './check.ts';
import type { Draft } from './draft.ts';
import { CAUSES, CERTAINTIES, DETECTORS, type Entry, KINDS } from './format.ts';
import { NATURE_NAMES } from './natures.ts';

type Type = Entry['t'];
type EntryOf<T extends Type> = Extract<Entry, { t: T }>;

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

/** Null: may be lost with the file. */
export function keyOf(entry: Entry): string | null {
  return (KEYS[entry.t] as (entry: Entry) => string | null)(entry);
}

const kind = oneOf(KINDS);
const frame = shape({ file: text, line: number, column: number, function: text, user: flag });
const setting: Check = (value) => text(value) || number(value) || flag(value);
const holder = shape({
  ...{ site: number, frame: number, count: number, oldestMs: number, idleMs: number },
  busy: maybe(number),
});
const heldConnection = shape({
  ...{ pool: number, state: oneOf(['used', 'idle']), site: number, frame: number },
  ...{ ageMs: maybe(number), idleMs: maybe(number), busy: maybe(flag) },
  ...{ localAddress: maybe(text), localPort: maybe(number), server: maybe(text), connectionId: maybe(text) },
});
const finding = shape({
  kind,
  nature: oneOf(NATURE_NAMES),
  detector: oneOf(DETECTORS),
  certainty: oneOf(CERTAINTIES),
  ...{ count: number, acquired: number, released: number, estimated: flag },
  ...{ library: text, pool: maybe(text), site: number, frame: number, siteUnknown: maybe(text) },
  before: optional(flag),
  evidence: listOf(text),
  back: optional(shape({ site: number, frame: number })),
  exhausted: maybe(shape({ cause: oneOf(CAUSES), used: number, limit: number, waiting: number })),
  holders: optional(listOf(holder)),
  scopes: listOf(shape({ name: text, ended: number, leaked: number, failedWith: maybe(text) })),
});

/** Beyond these, the oldest are dropped. */
const MOST = { collections: 5000, runs: 20_000, held: 2000, faults: 100 };

/** The newest `most`, or somewhat more. */
function keep<T>(list: T[], item: T, most: number): T[] {
  list.push(item);
  return list.length < most * 2 ? list : list.slice(-most);
}

/** What an entry must be like to be believed, and what a recording makes of it. */
interface Reading<T extends Type> {
  check: Check;
  fold: (draft: Draft, entry: EntryOf<T>) => void;
}

const READ: { [T in Type]: Reading<T> } = {
  process: {
    check: shape({
      ...{ schema: text, pid: number, parent: number, thread: number, host: text, node: text },
      ...{ argv: listOf(text), cwd: text, startedMs: time, heapLimit: optional(number), settings: recordOf(setting) },
      late: optional(flag),
      release: optional(text),
    }),
    // begun anew, it says all of this once more
    fold: ({ recording }) => Object.assign(recording, { adapters: [], unsupported: [], unseen: [], started: [] }),
  },
  adapter: {
    check: shape({ name: text }),
    fold: ({ recording }, { name }) => recording.adapters.push(name),
  },
  unsupported: {
    check: shape({ what: text }),
    fold: ({ recording }, { what }) => recording.unsupported.push(what),
  },
  unseen: {
    check: shape({ what: text, why: text }),
    fold: ({ recording }, { what, why }) => recording.unseen.push({ what, why }),
  },
  started: {
    check: shape({ at: time, pid: number, thread: number, argv: listOf(text) }),
    fold: ({ recording }, entry) => recording.started.push(entry),
  },
  site: {
    check: shape({ id: number, stack: listOf(frame) }),
    fold: ({ recording }, { id, stack }) => recording.sites.set(id, stack),
  },
  source: {
    check: shape({
      ...{ file: text, line: number, column: number, module: text, ordinal: number, isCompiled: flag },
      excerpt: maybe(shape({ first: number, lines: listOf(text), column: number })),
    }),
    fold: ({ recording }, { file, line, column, module, ordinal, excerpt, isCompiled }) =>
      recording.places.set(`${file}:${line}:${column}`, { module, ordinal, excerpt, isCompiled }),
  },
  pool: {
    check: shape({ id: number, library: text, name: text, max: number }),
    fold: ({ recording }, entry) => recording.pools.set(entry.id, entry),
  },
  sample: {
    check: shape({
      at: time,
      pools: listOf(tuple(number, number, number, number)),
      open: recordOf(number, KINDS),
      ...{ heapUsed: number, rss: number, nativeContexts: number, loopDelay: number },
    }),
    fold: ({ samples }, entry) => samples.push(entry),
  },
  gc: {
    check: shape({ at: time, heapUsed: number }),
    fold: ({ recording }, entry) => {
      recording.collections = keep(recording.collections, entry, MOST.collections);
    },
  },
  round: {
    check: shape({
      ...{ at: time, round: number, findings: number, isCollected: flag, threads: maybe(number) },
      ...{ open: recordOf(number, KINDS), owed: recordOf(number, KINDS), handles: recordOf(number, KINDS) },
      ...{ heapUsed: number, external: number, rss: number, nativeContexts: number },
    }),
    fold: ({ recording }, entry) => recording.rounds.push(entry),
  },
  forecast: {
    check: shape({ at: time, round: number, fullAt: number, each: number }),
    fold: ({ recording }, entry) => {
      recording.forecast ??= entry;
    },
  },
  run: {
    check: shape({ name: text, began: time, ended: time, failedWith: maybe(text) }),
    fold: ({ recording }, entry) => {
      recording.runs = keep(recording.runs, entry, MOST.runs);
    },
  },
  scopes: {
    check: shape({
      at: time,
      scopes: listOf(
        shape({ name: text, kind: oneOf(['job', 'request']), began: number, ended: number, failed: number }),
      ),
    }),
    fold: ({ recording }, { scopes }) => {
      recording.scopes = scopes;
    },
  },
  totals: {
    check: shape({ at: time, sites: listOf(tuple(number, kind, text, maybe(text), number, number)) }),
    fold: (draft, entry) => draft.totals(entry),
  },
  lines: {
    check: shape({
      at: time,
      lines: listOf(
        shape({
          ...{ site: number, frame: number, kind, library: text, open: number },
          ...{ unref: number, owner: maybe(number), oldestMs: number, before: optional(flag) },
          stale: optional(shape({ count: number, late: number, nature: oneOf(NATURE_NAMES) })),
        }),
      ),
    }),
    fold: ({ recording }, { lines }) => {
      recording.openSites = lines;
    },
  },
  handles: {
    check: shape({
      at: time,
      handles: listOf(shape({ kind, about: maybe(text), count: number, before: optional(flag) })),
    }),
    fold: ({ recording }, { handles }) => {
      recording.handles = handles;
    },
  },
  held: {
    check: shape({ at: time, connections: listOf(heldConnection), omitted: number }),
    fold: ({ recording }, entry) => {
      recording.held = keep(recording.held, entry, MOST.held);
    },
  },
  finding: {
    check: shape({ at: time, key: text, finding }),
    fold: ({ recording: { findings } }, { at, key, finding }) =>
      findings.set(key, { at: findings.get(key)?.at ?? at, finding }),
  },
  withdrawn: {
    check: shape({ at: time, key: text, why: text }),
    fold: ({ recording: { findings, withdrawn } }, { at, key, why }) => {
      const found = findings.get(key);
      findings.delete(key);
      if (found) withdrawn.push({ at, finding: found.finding, why });
    },
  },
  notice: {
    check: shape({
      ...{ at: time, library: text, pool: maybe(text), name: text, count: number },
      ...{ sentence: text, remedy: text },
    }),
    fold: ({ recording }, entry) =>
      recording.notices.set(JSON.stringify([entry.library, entry.pool, entry.name]), entry),
  },
  end: {
    check: shape({ at: time, end: oneOf(['exit', 'crash', 'signal', 'running']), code: number }),
    fold: ({ recording }, entry) => {
      recording.end = entry;
    },
  },
  died: {
    check: shape({ signal: text }),
    fold: ({ recording }, { signal }) => {
      recording.died = signal;
    },
  },
  cost: {
    check: shape({
      ...{ at: time, cpuMs: number, share: number, forcedGc: number, faults: number },
      dropped: recordOf(number),
    }),
    fold: ({ recording }, entry) => {
      const { at, faults: count } = entry;
      if (count > (recording.cost?.faults ?? 0)) recording.faults = keep(recording.faults, { at, count }, MOST.faults);
      recording.cost = entry;
    },
  },
};

/** Null for a type that this version does not know. */
function readingOf({ t }: { t: string }): Reading<Type> | null {
  return Object.hasOwn(READ, t) ? (READ[t as Type] as Reading<Type>) : null;
}

/**
 * Whether what was read is what its type says. A recording may come from a full disk, another version or another
 * program. Types that this version does not know are sound, and say nothing.
 */
export function isSound(entry: unknown): entry is Entry {
  if (!isObject(entry) || typeof entry.t !== 'string') return false;
  return readingOf({ t: entry.t })?.check(entry) ?? true;
}

export function fold(draft: Draft, entry: Entry): void {
  // a type that is not known may have anything there
  if ('at' in entry && time(entry.at) && entry.at > draft.recording.lastAt) draft.recording.lastAt = entry.at;
  readingOf(entry)?.fold(draft, entry);
}
