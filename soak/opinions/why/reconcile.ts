/**
 * Two accounts of what keeps a process alive, its own and why-is-node-running's, taken at the same moment: what both name,
 * and what one of them names alone, with the reason. Rows are one if they are of a kind and the other's stack passes the
 * line of ours; what has no line in one account is counted off by its kind.
 */
import type { Frame, Kind, OpenSite, Recording } from '../../../probe/recording/format.ts';
import type { KeptAlive, Opinion } from '../../../probe/recording/opinions.ts';
import { Sources } from '../../../probe/recording/source.ts';
import type { TheirHandle } from './account.ts';
import { KIND_OF, NO_HANDLE } from './kinds.ts';

type Compared = NonNullable<Opinion['compared']>;

interface Ours {
  kind: Kind;
  library: string;
  /** Not yet matched. */
  left: number;
  stack: readonly Frame[];
  frame: number;
  isOwned: boolean;
  about: string | null;
}

/** Kinds that are no handle of Node's, so that the other tool cannot have them. */
const NOT_A_HANDLE: Readonly<Partial<Record<Kind, string>>> = {
  connection: 'A connection of a pool or driver, known by who took it; its socket is a handle, the connection is none.',
  listener: 'A listener is no handle.',
  promise: 'A promise is no handle.',
  context: 'A context is no handle.',
  memory: 'Memory is no handle.',
};

export function reconcile(
  recording: Pick<Recording, 'openSites' | 'handles' | 'sites' | 'process'>,
  theirs: readonly TheirHandle[],
  sources: Sources = new Sources(),
): Compared {
  const ours = oursIn(recording);
  const both: KeptAlive[] = [];
  const unmatched: TheirHandle[] = [];
  const take = (row: Ours, handle: TheirHandle) => {
    row.left--;
    both.push(rowOf(row.kind, handle.type, row.library, siteOf(row, sources) ?? theirSite(handle, sources), null));
  };
  for (const handle of theirs) {
    const kind = KIND_OF[handle.type];
    const row = ours.find((each) => each.left > 0 && each.kind === kind && passes(handle, each));
    if (row) take(row, handle);
    else unmatched.push(handle);
  }
  const onlyTheirs: KeptAlive[] = [];
  for (const handle of unmatched) {
    const kind = KIND_OF[handle.type] ?? null;
    // a row that has a line is another thing than a handle with another line
    const row = ours.find(
      (each) => each.left > 0 && each.kind === kind && (!lineOf(each) || handle.stack.length === 0),
    );
    if (row) take(row, handle);
    else onlyTheirs.push(rowOf(kind, handle.type, null, theirSite(handle, sources), whyTheirs(handle, kind)));
  }
  const onlyOurs = ours
    .filter(({ left, isOwned }) => left > 0 && !isOwned)
    .map((row) => ({ ...rowOf(row.kind, null, row.library, siteOf(row, sources), whyOurs(row)), count: row.left }));
  return { both: merged(both), onlyTheirs: merged(onlyTheirs), onlyOurs: merged(onlyOurs) };
}

function oursIn({ openSites, handles, sites }: Pick<Recording, 'openSites' | 'handles' | 'sites'>): Ours[] {
  const lines = openSites.map(({ kind, library, open, unref, owner, site, frame }: OpenSite) => ({
    ...{ kind, library, left: open - unref, stack: sites.get(site) ?? [], frame },
    ...{ isOwned: owner !== null, about: null },
  }));
  const others = handles.map(({ kind, count, about }) => ({
    ...{ kind, library: 'node', left: count, stack: [], frame: 0, isOwned: false, about },
  }));
  return [...lines, ...others];
}

function lineOf({ stack, frame }: Ours): Frame | null {
  return stack[frame] ?? null;
}

/** Whether the handle was made where the row says, as far as both name files and lines. */
function passes({ stack }: TheirHandle, row: Ours): boolean {
  const line = lineOf(row);
  return line !== null && stack.some((frame) => frame.line === line.line && frame.file === line.file);
}

function whyTheirs({ type, stack }: TheirHandle, kind: Kind | null): string {
  if (kind === null) return NO_HANDLE[type] ?? 'A type of handle that outlive keeps no account of.';
  if (stack.length === 0) return 'Made by Node.js itself, such as a standard stream or the pipe of a child process.';
  return 'It had ended, or belonged to something that is named, when outlive looked; its object was still there.';
}

function whyOurs({ kind, library, stack }: Ours): string {
  const isNone = NOT_A_HANDLE[kind];
  if (isNone !== undefined) return isNone;
  if (stack.length === 0 && library === 'node') {
    return 'Node.js lists it, and it was made before anybody looked: both know no line.';
  }
  return 'Made before why-is-node-running was loaded, or in another thread, where it does not look.';
}

function siteOf(row: Ours, sources: Sources): KeptAlive['site'] {
  const line = lineOf(row);
  if (!line) return null;
  const { file, line: number, function: name } = sources.original(line);
  return { file, line: number, function: name };
}

/** Its innermost frame that is the user's own, or the innermost. */
function theirSite({ stack }: TheirHandle, sources: Sources): KeptAlive['site'] {
  const frame = stack.find(({ file }) => !/[\\/]node_modules[\\/]/.test(file)) ?? stack[0];
  if (!frame) return null;
  const { file, line } = sources.original({ ...frame, column: 1 });
  return { file, line, function: '' };
}

function rowOf(
  kind: Kind | null,
  type: string | null,
  library: string | null,
  site: KeptAlive['site'],
  why: string | null,
): KeptAlive {
  return { kind, type, library, count: 1, site, why };
}

/** Equal rows as one, most first. */
function merged(rows: readonly KeptAlive[]): KeptAlive[] {
  const byKey = new Map<string, KeptAlive>();
  for (const row of rows) {
    const key = JSON.stringify([row.kind, row.type, row.library, row.site?.file, row.site?.line, row.why]);
    const known = byKey.get(key);
    if (known) known.count += row.count;
    else byKey.set(key, { ...row });
  }
  return [...byKey.values()].sort((a, b) => b.count - a.count);
}
