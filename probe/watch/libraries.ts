/**
 * Takes hold of libraries as they are loaded: by the rows of adapters.ts, whose modules are loaded with the first copy.
 * A copy that lacks what its adapter needs is left alone, and one of an unknown version is doubted: the report says so.
 * It also says which libraries hold resources that no adapter watches.
 */

import { ADAPTERS, type AdapterRow, type Package } from '../adapters.ts';
import { guarded, type Part } from '../process/lapses.ts';
import { loadOnDemand } from '../process/on-demand.ts';
import { type Attachments, MODULES } from './adapter-modules.ts';
import type { Desk } from './desk.ts';
import { watchEsModules } from './es-modules.ts';
import type { Loaded } from './loaded.ts';
import { type Copy, copyOf, watchModules } from './modules.ts';
import type { Manifest } from './packages.ts';
import { knownLibraries } from './unwatched/known-libraries.ts';

/** What is told of each copy of a package before its adapter is. */
export type Beneath = Record<string, (exports: never) => void>;

export interface LibraryOptions {
  desk: Desk;
  /** Names of adapters that are switched off. */
  off: readonly string[];
  beneath: Beneath;
  /** Told of each copy that is watched from now on: `pg 8.23.1`. */
  attached(label: string): void;
  /** Before Node's `http` or `https` is loaded; before any module is. */
  onHttp(): void;
  onAny(): void;
}

/** In place of what a package holds. */
const SWITCHED_OFF = '';
const MISSED = 'It was loaded in a way that no adapter sees, as an ES module: nothing of it was seen.';

interface Wanted {
  row: AdapterRow & { name: keyof typeof MODULES };
  known: Package;
}

/** What is there and not watched, by package: what to say of it. */
export interface Libraries {
  /** Why a package is not watched, in a sentence; null where it is, or is not known. */
  whyUnwatched(name: string): string | null;
  isWatched(name: string): boolean;
  met(found: Pick<Manifest, 'name' | 'version'>): void;
  /** Looks through all that is loaded. */
  scan(): void;
  /** Tells of a module that another loader than Node's own has loaded: Jest's. Its exports may be replaced. */
  loaded(file: string, module: Loaded<unknown>): void;
}

export function watchLibraries({ desk, off, beneath, attached, onHttp, onAny }: LibraryOptions): Libraries {
  const wanted = wantedBut(off);
  /** With the first package that is met: many programs load none. */
  let unwatched: ReadonlyMap<string, string> | undefined;
  const holdingOf = (name: string): string | undefined => {
    unwatched ??= unwatchedWith(off);
    return unwatched.get(name);
  };
  const loaded = new Map<string, Attachments>();
  const isWanted = (name: string): boolean => wanted.some(({ known }) => known.name === name);
  /** Of these, a copy has been met. */
  const seen = new Set<string>();
  const whyUnwatched = (name: string): string | null => {
    const holds = holdingOf(name);
    if (holds === SWITCHED_OFF) return 'Its adapter is switched off by OUTLIVE_OFF.';
    if (holds !== undefined) return `It holds ${holds}, and no adapter watches them.`;
    return isWanted(name) && !seen.has(name) ? MISSED : null;
  };
  const attachmentsOf = ({ name }: Wanted['row']): Attachments => {
    const attachments = loaded.get(name) ?? loadOnDemand(MODULES[name]).attachments(desk);
    loaded.set(name, attachments);
    return attachments;
  };

  const attach = (copy: Copy, { row, known }: Wanted, isLate: boolean): void => {
    seen.add(copy.name);
    const label = `${copy.name} ${copy.version}`;
    if (desk.isLate && row.attaches === false) {
      desk.unseen(label, 'It is only watched where the probe is preloaded: of it nothing was seen.');
      return;
    }
    const missing = missingIn(copy.exports, known.hooks);
    if (missing.length > 0) {
      desk.unseen(label, `It has no ${missing.join(', ')}, by which it is watched: nothing of it was seen.`);
      return;
    }
    attachmentsOf(row)[copy.id]?.(copy.exports, copy.file);
    desk.watched.add(copy.folder);
    attached(label);
    if (isLate && !desk.isLate)
      desk.unseen(label, 'It was loaded before the probe: what it had opened by then was not seen.');
    if (isOutside(copy.version, known)) {
      const range = `${known.from} up to below ${known.below}`;
      desk.unseen(
        label,
        `What is watched of ${copy.name} is known for versions from ${range}: of this one, it may be less.`,
      );
    }
  };

  const met: Libraries['met'] = ({ name, version }) => {
    const why = whyUnwatched(name);
    if (why !== null) desk.unseen(`${name} ${version}`, why);
  };
  const onLoaded = (copy: Copy, isLate: boolean): void => {
    const below = beneath[copy.name];
    if (below) guarded('inject', () => below(copy.exports as never));
    const found = wanted.find(({ known }) => idOf(known) === copy.id);
    if (found) guarded(found.row.name as Part, () => attach(copy, found, isLate));
    else met(copy);
  };
  guarded('modules', () =>
    watchEsModules(
      wanted.map(({ known }) => known),
      (file, exports) => {
        const copy = copyOf(file, exports);
        if (copy) onLoaded(copy, false);
      },
    ),
  );
  const { scan, loaded: tell } = watchModules({
    names: [...wanted.map(({ known }) => idOf(known)), ...Object.keys(beneath)],
    onLoaded,
    others: { has: (name) => holdingOf(name) !== undefined },
    onMet: met,
    ...{ onHttp, onAny },
  });
  return {
    whyUnwatched,
    isWatched: (name) => isWanted(name) && seen.has(name),
    met,
    scan,
    loaded: tell,
  };
}

/** `mysql2`, or `mysql2/promise.js` for an entry that is not its main file. */
function idOf({ name, entry }: Package): string {
  return entry === undefined ? name : `${name}/${entry}`;
}

/** Packages that an adapter is for. */
function wantedBut(off: readonly string[]): Wanted[] {
  const wanted: Wanted[] = [];
  for (const row of ADAPTERS) {
    if (!('packages' in row.of) || off.includes(row.name)) continue;
    for (const known of row.of.packages) wanted.push({ row: row as Wanted['row'], known });
  }
  return wanted;
}

/** What each package holds that no adapter watches. */
function unwatchedWith(off: readonly string[]): Map<string, string> {
  const unwatched = knownLibraries();
  for (const { name, of } of ADAPTERS) {
    if (!('packages' in of)) continue;
    for (const known of of.packages) {
      if (off.includes(name)) unwatched.set(known.name, SWITCHED_OFF);
      else unwatched.delete(known.name);
    }
  }
  return unwatched;
}

/** Of the functions at these paths, those that are not there. */
function missingIn(exports: object, hooks: readonly string[]): string[] {
  return hooks.filter((hook) => {
    let value: unknown = exports;
    for (const key of hook.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[key];
    return typeof value !== 'function';
  });
}

/** Whether a version is below `from`, or not below `below`. A prerelease counts as its release; what is no version is outside. */
export function isOutside(version: string, { from, below }: Pick<Package, 'from' | 'below'>): boolean {
  const own = numbersOf(version);
  return own === null || isBelow(own, numbersOf(from) ?? []) || !isBelow(own, numbersOf(below) ?? []);
}

/** Of `8.23.1` or `9.0.0-beta.1`; else null. */
function numbersOf(version: string): number[] | null {
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)(?:[-+]|$)/.exec(version) ?? [];
  return numbers.length === 0 ? null : numbers.map(Number);
}

function isBelow(one: readonly number[], other: readonly number[]): boolean {
  for (const [i, part] of one.entries()) if (part !== other[i]) return part < (other[i] ?? 0);
  return false;
}
