/**
 * How each type of entry is checked and read, its shape (format.ts) aside: a new type is a row here, and one in
 * kept-entries.ts, for the writer. The compiler asks for both.
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
import type { EntryOf, Type } from './kept-entries.ts';
import { NATURE_NAMES } from './natures.ts';

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
