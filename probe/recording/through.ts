/** All that was acquired through one line, whoever called it. */
import type { Frame, Kind, Point, Recording } from './format.ts';
import type { Caller, Site } from './report.ts';
import type { Sources } from './source.ts';

/** What was acquired at one site that goes through the line. */
export interface Passage {
  acquired: number;
  released: number;
  open: readonly Point[];
  /** The user's frame that called the line's function; null when there is none. */
  caller: Frame | null;
}

export function through(
  { totals, open, sites }: Recording,
  { kind, library, site }: { kind: Kind; library: string; site: Site },
  sources: Sources,
): Passage[] {
  return totals.flatMap(([id, ofKind, of, , acquired, released], i) => {
    if (ofKind !== kind || of !== library) return [];
    const stack = (sites.get(id) ?? []).map((frame) => sources.original(frame));
    const at = stack.findIndex(
      ({ file, line, column }) => file === site.file && line === site.line && column === site.column,
    );
    if (at < 0) return [];
    const caller = stack.slice(at + 1).find(({ user }) => user) ?? null;
    return [{ acquired, released, open: open[i] ?? [], caller }];
  });
}

/** Those who leave most open first. */
export function callersOf(passages: readonly Passage[]): Caller[] {
  return mergeCallers(
    passages.flatMap(({ acquired, released, caller }) => {
      if (!caller) return [];
      const { file, line, column, function: name } = caller;
      return [{ site: { file, line, column, function: name }, acquired, released }];
    }),
  );
}

export function mergeCallers(callers: readonly Caller[]): Caller[] {
  const byPlace = new Map<string, Caller>();
  for (const { site, acquired, released } of callers) {
    const key = `${site.file}:${site.line}:${site.column}`;
    const known = byPlace.get(key) ?? { site, acquired: 0, released: 0 };
    byPlace.set(key, { site, acquired: known.acquired + acquired, released: known.released + released });
  }
  const left = ({ acquired, released }: Caller) => acquired - released;
  return [...byPlace.values()].sort((a, b) => left(b) - left(a) || b.acquired - a.acquired);
}
