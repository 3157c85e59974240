/**
 * Timers that a watched library sets for a client of its own: to reap, to reconnect, to give up waiting. They belong to
 * that client, and are told once it has ended and they have not; of intervals also those that a client sets anew though
 * the ones before still run, and of one-shots those that wait for nothing any more.
 *
 * False negatives: one-shots that fire soon, and timers of which it is not known for which client they are.
 */
import { executionAsyncResource } from 'node:async_hooks';
import type { Source } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import { callerOfNode, type Site } from '../../account/site.ts';
import { now } from '../../process/runtime.ts';
import type { Desk } from '../desk.ts';
import type { Host } from '../host.ts';
import { isOfUser } from './callers.ts';
import type { Timeout } from './chains.ts';

/** A library may take so long to clear what a client had, milliseconds; and one-shots of less are left to fire. */
const SETTLES = 1000;
const LONG = 3000;
/** Later intervals of the same place and client, after which one is no longer of use. */
const REPLACED_BY = 3;

export class ClientTimers {
  readonly source: Source;
  readonly #desk: Desk;
  readonly #hosts: WeakMap<object, Host> = new WeakMap();
  /** Intervals of a client by the place in its library that sets them, latest last. */
  readonly #intervals: WeakMap<Host, Map<string, WeakRef<Timeout>[]>> = new WeakMap();

  constructor(desk: Desk, source: Source) {
    this.#desk = desk;
    this.source = source;
  }

  /** Whom a library sets `timer` for; also in the callback of one of its own. Null: it is not to be watched. */
  hostOf(timer: Timeout, site: Site): Host | null {
    const host = this.#desk.hostOf(site) ?? this.#hosts.get(executionAsyncResource()) ?? null;
    if (host !== null) this.#hosts.set(timer, host);
    return host;
  }

  /** Where the service's code is not on the stack, the line that made the client. */
  siteOf(site: Site, host: Host): Site {
    return isOfUser(site) ? site : (host.site ?? site);
  }

  isLong({ _idleTimeout: delay = 0 }: Timeout): boolean {
    return delay >= LONG;
  }

  /** One that does not hold the process is left to fire. */
  ofOneShot(host: Host, holds: () => boolean): Known {
    const isBusy = busyWith(host, () => (host.pending() ?? 1) > 0);
    return { isBusy: () => !holds() || isBusy() };
  }

  ofInterval(timer: Timeout, site: Site, host: Host): Known {
    const places = this.#intervals.get(host) ?? new Map<string, WeakRef<Timeout>[]>();
    this.#intervals.set(host, places);
    const { file, line, column } = callerOfNode(site) ?? {};
    const place = `${file}:${line}:${column}`;
    const all = (places.get(place) ?? []).filter((ref) => ref.deref()?._destroyed === false);
    all.push(new WeakRef(timer));
    places.set(place, all);
    const number = all.length;
    return { isBusy: busyWith(host, () => !areReplacing(places.get(place) ?? [], number)) };
  }
}

/** `number`: of those that ran when it was set. */
function areReplacing(all: readonly WeakRef<Timeout>[], number: number): boolean {
  const later = all.slice(-REPLACED_BY);
  return all.length >= number + REPLACED_BY && later.every((ref) => ref.deref()?._destroyed === false);
}

/** As long as its client is open, `isOfUse` tells. */
function busyWith(host: Host, isOfUse: () => boolean): () => boolean {
  let overSince = 0;
  return () => {
    if (!host.isOver()) return isOfUse();
    overSince ||= now();
    return now() - overSince < SETTLES;
  };
}
