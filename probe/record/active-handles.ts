/**
 * What holds the event loop and no adapter knows: how many of each kind, from Node's own list, without what is always
 * there (standard streams, the pipes of a child process), without what is being closed, and without connections that
 * belong to a known pool.
 *
 * Errs: nobody knows which of several alike an adapter has entered; so many are left out, whichever they are. What was
 * unref'd is not in Node's list.
 */
import { ChildProcess } from 'node:child_process';
import { Server, Socket } from 'node:net';
import { basename } from 'node:path';
import type { Ledger } from '../account/ledger.ts';
import { openByKind } from '../account/open-by-kind.ts';
import { localOf, remoteOf } from '../process/addresses.ts';
import type { Kind, OpenHandle } from '../recording/format.ts';
import { mask } from '../recording/mask.ts';

/** Rows that are written down, and connections of one pool that are asked which they are. */
const MAX_ROWS = 50;
const MAX_OF_POOL = 1000;

/** By the class of Node's handle, which is not that of the object around it. */
const KINDS: Readonly<Record<string, Kind>> = {
  TCP: 'socket',
  Pipe: 'socket',
  UDP: 'socket',
  /** Of node:dgram: that of node:net has a handle beneath. */
  Socket: 'socket',
  Process: 'child-process',
  FSEvent: 'watcher',
  StatWatcher: 'watcher',
  MessagePort: 'port',
};

interface Handle {
  _handle?: { fd?: number; constructor?: { name?: string } } | null;
}
interface Lists {
  _getActiveHandles?(): Handle[];
  getActiveResourcesInfo?(): string[];
}

/** All that there are now. */
export function presentHandles(): WeakSet<object> {
  return new WeakSet((process as unknown as Lists)._getActiveHandles?.() ?? []);
}

/** `present`: those that were there before the probe came, which are told by themselves; null: none were. */
export function activeHandles(ledger: Ledger, present: WeakSet<object> | null): OpenHandle[] {
  const lists = process as unknown as Lists;
  const handles = lists._getActiveHandles?.() ?? [];
  const ofChildren = new Set<unknown>(
    handles.flatMap((handle) => (handle instanceof ChildProcess ? handle.stdio : [])),
  );
  const pooled = pooledPorts(ledger);
  const rows = new Map<string, OpenHandle>();
  const add = (kind: Kind, about: string | null, isBefore: boolean, count = 1): void => {
    const key = `${kind} ${about} ${isBefore}`;
    const row = rows.get(key);
    if (row) row.count += count;
    else rows.set(key, { kind, about, count, ...(isBefore && { before: true }) });
  };
  for (const handle of handles) {
    const kind = handle instanceof Server ? 'server' : KINDS[classOf(handle)];
    if (kind === undefined || isClosing(handle) || ofChildren.has(handle) || isStandard(handle)) continue;
    if (handle instanceof Socket && pooled.has(localOf(handle)?.port)) continue;
    add(kind, aboutOf(handle), present?.has(handle) === true);
  }
  const timers = lists.getActiveResourcesInfo?.().filter((type) => type === 'Timeout').length ?? 0;
  // a later one has its line
  if (timers > 0) add('timer', null, present !== null, timers);
  // those that the ledger knows came after it
  const later = [...rows.values()].sort((a, b) => Number(a.before ?? false) - Number(b.before ?? false));
  return beyond(later, openByKind(ledger)).slice(0, MAX_ROWS);
}

/** Less what the ledger knows by its line. */
function beyond(rows: OpenHandle[], known: Partial<Record<Kind, number>>): OpenHandle[] {
  const left = { ...known };
  return rows.flatMap((row) => {
    const taken = Math.min(row.count, left[row.kind] ?? 0);
    left[row.kind] = (left[row.kind] ?? 0) - taken;
    return row.count > taken ? [{ ...row, count: row.count - taken }] : [];
  });
}

/** Local ports of connections that pools and drivers account for. */
function pooledPorts({ sources }: Ledger): Set<unknown> {
  const ports = new Set<unknown>();
  for (const { pool, peers } of sources) {
    let seen = 0;
    for (const { peer } of (pool?.peers ?? peers)?.() ?? []) {
      if (++seen > MAX_OF_POOL) break;
      if (peer.localPort !== null) ports.add(peer.localPort);
    }
  }
  return ports;
}

function classOf(handle: Handle): string {
  return (beneath(handle) ?? handle).constructor?.name ?? '';
}

/** It stays in Node's list until the next turn, and so where `close` calls back to exit. */
function isClosing(handle: Handle): boolean {
  return handle instanceof Socket ? handle.destroyed : beneath(handle) === null;
}

/** Its own: to ask a datagram socket for it, which inherits an accessor, makes Node warn. */
function beneath(handle: Handle): Handle['_handle'] {
  return Object.getOwnPropertyDescriptor(handle, '_handle')?.value;
}

/** Standard input, output and error: asked for by their numbers, since to ask `process.stdin` for it would open it. */
function isStandard(handle: Handle): boolean {
  const { fd = (handle as { fd?: number }).fd ?? -1 } = beneath(handle) ?? {};
  return fd >= 0 && fd <= 2;
}

/** Where it leads, as far as that is no secret. */
function aboutOf(handle: Handle): string | null {
  if (handle instanceof Server) {
    const address = handle.address();
    if (address === null) return null;
    return typeof address === 'string' ? `at ${basename(address)}` : `on port ${address.port}`;
  }
  if (handle instanceof ChildProcess) return `running ${mask(basename(handle.spawnfile ?? ''))}`;
  const remote = handle instanceof Socket ? remoteOf(handle) : null;
  if (remote === null) return null;
  const isAccepted = Boolean((handle as { server?: unknown }).server);
  return isAccepted ? `accepted on port ${localOf(handle as Socket)?.port}` : `to ${remote.address}:${remote.port}`;
}
