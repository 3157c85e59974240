/**
 * What each type of entry must be like to be believed: a new type is a row here, one in fold.ts, for the reader, and one
 * in kept-entries.ts, for the writer. The compiler asks for all.
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
import { CAUSES, CERTAINTIES, DETECTORS, type Entry, KINDS } from './format.ts';
import type { Type } from './kept-entries.ts';
import { NATURE_NAMES } from './natures.ts';

const kind = oneOf(KINDS);
const frame = () => shape({ file: text, line: number, column: number, function: text, user: flag });
const setting: Check = (value) => text(value) || number(value) || flag(value);
const holder = () =>
  shape({
    ...{ site: number, frame: number, count: number, oldestMs: number, idleMs: number },
    busy: maybe(number),
  });
const heldConnection = () =>
  shape({
    ...{ pool: number, state: oneOf(['used', 'idle']), site: number, frame: number },
    ...{ ageMs: maybe(number), idleMs: maybe(number), busy: maybe(flag) },
    ...{ localAddress: maybe(text), localPort: maybe(number), server: maybe(text), connectionId: maybe(text) },
  });
const finding = () =>
  shape({
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
    holders: optional(listOf(holder())),
    scopes: listOf(shape({ name: text, ended: number, leaked: number, failedWith: maybe(text) })),
  });

/** Made when the first such entry is read: most processes read none. */
const CHECKS: { [T in Type]: () => Check } = {
  process: () =>
    shape({
      ...{ schema: text, pid: number, parent: number, thread: number, host: text, node: text },
      ...{ argv: listOf(text), cwd: text, startedMs: time, heapLimit: optional(number), settings: recordOf(setting) },
      late: optional(flag),
      release: optional(text),
    }),
  adapter: () => shape({ name: text }),
  unsupported: () => shape({ what: text }),
  unseen: () => shape({ what: text, why: text }),
  started: () => shape({ at: time, pid: number, thread: number, argv: listOf(text) }),
  site: () => shape({ id: number, stack: listOf(frame()) }),
  source: () =>
    shape({
      ...{ file: text, line: number, column: number, module: text, ordinal: number, isCompiled: flag },
      excerpt: maybe(shape({ first: number, lines: listOf(text), column: number })),
    }),
  pool: () => shape({ id: number, library: text, name: text, max: number }),
  sample: () =>
    shape({
      at: time,
      pools: listOf(tuple(number, number, number, number)),
      open: recordOf(number, KINDS),
      ...{ heapUsed: number, rss: number, nativeContexts: number, loopDelay: number },
    }),
  gc: () => shape({ at: time, heapUsed: number }),
  round: () =>
    shape({
      ...{ at: time, round: number, findings: number, isCollected: flag, threads: maybe(number) },
      ...{ open: recordOf(number, KINDS), owed: recordOf(number, KINDS), handles: recordOf(number, KINDS) },
      ...{ heapUsed: number, external: number, rss: number, nativeContexts: number },
    }),
  forecast: () => shape({ at: time, round: number, fullAt: number, each: number }),
  run: () => shape({ name: text, began: time, ended: time, failedWith: maybe(text) }),
  scopes: () =>
    shape({
      at: time,
      scopes: listOf(
        shape({ name: text, kind: oneOf(['job', 'request']), began: number, ended: number, failed: number }),
      ),
    }),
  totals: () => shape({ at: time, sites: listOf(tuple(number, kind, text, maybe(text), number, number)) }),
  lines: () =>
    shape({
      at: time,
      lines: listOf(
        shape({
          ...{ site: number, frame: number, kind, library: text, open: number },
          ...{ unref: number, owner: maybe(number), oldestMs: number, before: optional(flag) },
          stale: optional(shape({ count: number, late: number, nature: oneOf(NATURE_NAMES) })),
        }),
      ),
    }),
  handles: () =>
    shape({
      at: time,
      handles: listOf(shape({ kind, about: maybe(text), count: number, before: optional(flag) })),
    }),
  held: () => shape({ at: time, connections: listOf(heldConnection()), omitted: number }),
  finding: () => shape({ at: time, key: text, finding: finding() }),
  withdrawn: () => shape({ at: time, key: text, why: text }),
  notice: () =>
    shape({
      ...{ at: time, library: text, pool: maybe(text), name: text, count: number },
      ...{ sentence: text, remedy: text },
    }),
  end: () => shape({ at: time, end: oneOf(['exit', 'crash', 'signal', 'running']), code: number }),
  died: () => shape({ signal: text }),
  cost: () =>
    shape({
      ...{ at: time, cpuMs: number, share: number, forcedGc: number, faults: number },
      dropped: recordOf(number),
    }),
};
const made: Map<string, Check> = new Map();

/** Types that this version does not know are sound, and say nothing. */
function checkOf(t: string): Check {
  let check = made.get(t);
  if (check === undefined) {
    check = Object.hasOwn(CHECKS, t) ? CHECKS[t as Type]() : () => true;
    made.set(t, check);
  }
  return check;
}

/**
 * Whether what was read is what its type says. A recording may come from a full disk, another version or another
 * program.
 */
export function isSound(entry: unknown): entry is Entry {
  return isObject(entry) && typeof entry.t === 'string' && checkOf(entry.t)(entry);
}
