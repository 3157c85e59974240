/**
 * What a line must be like to be believed. A recording may come from a full disk, another version or another program;
 * what is beyond this check is never met by the code that reads it.
 */
import { CERTAINTIES, DETECTORS, KINDS, type Line, SHAPES } from './format.ts';

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const flag: Check = (value) => typeof value === 'boolean';
const maybe =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) && checks.every((check, i) => check(value[i]));
const oneOf =
  (words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const recordOf =
  (check: Check, keys?: readonly string[]): Check =>
  (value) =>
    isObject(value) && Object.entries(value).every(([key, each]) => check(each) && (keys?.includes(key) ?? true));
const shape = (checks: Record<string, Check>): Check => {
  const fields = Object.entries(checks);
  return (value) => isObject(value) && fields.every(([name, check]) => check(value[name]));
};

const kind = oneOf(KINDS);
const frame = shape({ file: text, line: number, column: number, function: text, user: flag });
const setting: Check = (value) => text(value) || number(value) || flag(value);
const holder = shape({
  ...{ site: number, frame: number, count: number, oldestMs: number, idleMs: number },
  busy: maybe(number),
});
const finding = shape({
  kind,
  shape: oneOf(SHAPES),
  detector: oneOf(DETECTORS),
  certainty: oneOf(CERTAINTIES),
  ...{ count: number, acquired: number, released: number, estimated: flag },
  ...{ library: text, pool: maybe(text), site: number, frame: number, siteUnknown: maybe(text) },
  evidence: listOf(text),
  exhausted: maybe(shape({ cause: text, used: number, limit: number, waiting: number })),
  holders: optional(listOf(holder)),
  scopes: listOf(shape({ name: text, ended: number, leaked: number, failedWith: maybe(text) })),
});

const LINES: Partial<Record<Line['t'], Check>> = {
  process: shape({
    ...{ schema: text, pid: number, parent: number, thread: number, host: text, node: text },
    ...{ argv: listOf(text), cwd: text, startedMs: number, settings: recordOf(setting) },
  }),
  adapter: shape({ name: text }),
  unsupported: shape({ what: text }),
  started: shape({ at: number, pid: number, thread: number, argv: listOf(text) }),
  site: shape({ id: number, stack: listOf(frame) }),
  pool: shape({ id: number, library: text, name: text, max: number }),
  sample: shape({
    at: number,
    pools: listOf(tuple(number, number, number, number)),
    open: recordOf(number, KINDS),
    ...{ heapUsed: number, rss: number, nativeContexts: number, loopDelay: number },
  }),
  gc: shape({ at: number, heapUsed: number }),
  round: shape({
    ...{ at: number, round: number, open: recordOf(number, KINDS), findings: number },
    ...{ heapUsed: number, rss: number, nativeContexts: number },
  }),
  run: shape({ name: text, began: number, ended: number, failedWith: maybe(text) }),
  scopes: shape({
    at: number,
    scopes: listOf(
      shape({ name: text, kind: oneOf(['job', 'request']), began: number, ended: number, failed: number }),
    ),
  }),
  totals: shape({ at: number, sites: listOf(tuple(number, kind, text, maybe(text), number, number)) }),
  lines: shape({
    at: number,
    lines: listOf(shape({ site: number, frame: number, kind, library: text, open: number })),
  }),
  held: shape({ at: number, connections: listOf(isObject) }),
  finding: shape({ at: number, key: text, finding }),
  withdrawn: shape({ at: number, key: text, why: text }),
  notice: shape({
    at: number,
    library: text,
    pool: maybe(text),
    name: text,
    count: number,
    sentence: text,
    remedy: text,
  }),
  end: shape({ at: number, end: oneOf(['exit', 'crash', 'signal']), code: number }),
  cost: shape({
    ...{ at: number, cpuMs: number, share: number, forcedGc: number, faults: number },
    dropped: recordOf(number),
  }),
};

/** Whether a line that was read is what its type says; types that this version does not know are, and say nothing. */
export function isSound(line: unknown): line is Line {
  if (!isObject(line) || typeof line.t !== 'string') return false;
  const check = Object.hasOwn(LINES, line.t) ? LINES[line.t as Line['t']] : undefined;
  return check === undefined || check(line);
}
