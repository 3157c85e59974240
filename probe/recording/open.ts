/** What was open at the end of a run, or when it was last looked: by line, of all its processes together. */
import type { Frame, OpenSite, Recording } from './format.ts';
import type { Keeper, Open, OpenOwner, Site } from './report.ts';
import type { Sources } from './source.ts';

/** Of one process: what is named of what kept it from ending. */
const MAX_KEEPERS = 8;

/** Most first; what was opened on something stands under it. */
export function openIn(recordings: readonly Recording[], sources: Sources): Open[] {
  const merged = new Map<string, Open>();
  for (const row of recordings.flatMap((recording) => rowsOf(recording, sources))) {
    const key = JSON.stringify([row.kind, row.library, row.site, row.about, row.owner, row.before]);
    const known = merged.get(key);
    if (known) {
      known.count += row.count;
      known.oldestMs = latest(known.oldestMs, row.oldestMs);
    } else merged.set(key, row);
  }
  return underOwners([...merged.values()].sort((a, b) => b.count - a.count));
}

function rowsOf(recording: Recording, sources: Sources): Open[] {
  const lines = recording.openSites.map((line) => ({ line, ...placeOf(recording, line, sources) }));
  const ownerOf = ({ owner }: OpenSite): OpenOwner | null => {
    const found = owner === null ? undefined : lines[owner];
    return found ? { kind: found.line.kind, library: found.line.library, site: found.place } : null;
  };
  return [
    ...lines.map(({ line, place, stack }) => ({
      ...{ kind: line.kind, library: line.library, count: line.open, site: place, stack },
      // the clock of what was there before began when outlive came
      oldestMs: line.before ? null : line.oldestMs,
      ...{ function: place?.function ?? null, owner: ownerOf(line), held: heldAt(recording, line), about: null },
      ...(line.before && { before: true }),
    })),
    ...recording.handles.map(({ kind, about, count, before }) => ({
      ...{ kind, library: 'node', count, oldestMs: null, site: null, stack: [], function: null },
      ...{ owner: null, held: null, about },
      ...(before && { before }),
    })),
  ];
}

/** As far as snapshots of the heap told it. */
function heldAt({ reach, sites }: Recording, { kind, library, site, frame, before }: OpenSite): string[] | null {
  const at = sites.get(site)?.[frame];
  const first = `${kind} ${library} `;
  const last = at ? ` ${at.file}:${at.line}:${at.column}` : ' -';
  const isOfLine = (key: string) => (before ? BEFORE.test(key) : key.endsWith(last));
  return reach?.lines.find(({ key }) => key.startsWith(first) && isOfLine(key))?.held ?? null;
}

/** Ends the key of what was taken before the probe came: of a pool, whichever. */
const BEFORE = / before \d*$/;

function placeOf({ sites }: Recording, { site, frame }: OpenSite, sources: Sources) {
  const stack: Frame[] = (sites.get(site) ?? []).map((raw) => sources.original(raw));
  const named = stack[frame];
  if (!named) return { place: null, stack };
  const { file, line, column, function: name } = named;
  return { place: { file, line, column, function: name } satisfies Site, stack };
}

function underOwners(rows: readonly Open[]): Open[] {
  const keyOf = ({ kind, library, site }: OpenOwner): string => JSON.stringify([kind, library, site]);
  const owners = new Set(rows.map(keyOf));
  const owned = new Map<string, Open[]>();
  const free: Open[] = [];
  for (const row of rows) {
    const key = row.owner && keyOf(row.owner);
    if (key === null || !owners.has(key)) free.push(row);
    else owned.set(key, [...(owned.get(key) ?? []), row]);
  }
  const sorted: Open[] = [];
  const add = (row: Open): void => {
    sorted.push(row);
    const below = owned.get(keyOf(row)) ?? [];
    owned.delete(keyOf(row));
    below.forEach(add);
  };
  free.forEach(add);
  return sorted;
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** What kept a process alive when it was last looked at; what was opened on something else goes without saying. */
export function keptAliveBy(recording: Recording, sources: Sources): Keeper[] {
  const holding = recording.openSites.filter(({ open, unref, owner }) => open > unref && owner === null);
  const lines = holding.map((line) => {
    const { kind, library, open, unref } = line;
    return { kind, library, count: open - unref, site: placeOf(recording, line, sources).place, about: null };
  });
  const handles = recording.handles.map(({ kind, about, count }) => ({
    kind,
    library: 'node',
    count,
    site: null,
    about,
  }));
  return [...lines, ...handles].slice(0, MAX_KEEPERS);
}
