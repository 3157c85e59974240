/**
 * outlived-scope: the job run or request that took it has ended, a grace has passed, and it is still open and idle.
 *
 * Says `likely` when it recurs: other runs at this site gave theirs back in time, or no run ever did, or all that left one
 * behind had failed, unlike most. Of requests that never give back it takes more: every single one that ended left one
 * behind, several left one that leads to the same and that nobody used since, or what lies here rose from rest to rest of
 * a soak. Once is a `suspect`, and so is what waits for something else than its library, such as a slow partner.
 *
 * False positives it avoids: a lazy singleton (the site acquired only once), a cache that is filled by whoever comes
 * first (others of its requests leave none), sessions that another flow uses, SSE and WebSockets (their request has not
 * ended), a slow query at the end (busy), one-shot timers (they end by themselves), leases that are given back by
 * another flow after the scope (this site's own history says so; then only what is far beyond that history is a suspect).
 * False positives: a cache of a timer for each key of which `NEVER_RELEASED` requests came without a single key twice;
 * sessions from requests that nobody ends or uses before so many were begun.
 * False negatives: what is taken outside any scope, and a scope that never ends.
 */

import type { Resource } from '../../../account/ledger.ts';
import type { Scope } from '../../../account/scope.ts';
import { isPart, listens, targetOf } from '../alike.ts';
import type { Context, Detector, Group } from '../detector.ts';
import { areOfFailed } from '../failed.ts';
import { overOf } from '../over.ts';
import { largest, median, span } from '../words.ts';

/** With a history of late release, how many times the longest known use time is still normal. */
const BEYOND_HISTORY = 3;
/** Runs without a single release that make a pattern: of jobs, of requests for a lease, and for anything else. */
const NEVER_RELEASED = { job: 3, lease: 8, other: 20 };
/** Requests that each made the same, and that nobody used since: as many others made none, or so many did. */
const SAME = { beside: 5, alone: 8 };
/** Rests of a soak from each of which more lay there. */
const RISES = 3;

export const outlivedScope: Detector = {
  detector: 'outlived-scope',
  picks({ acquired, history }, { at, graceMs }) {
    if (acquired < 2) return null;
    const patience = history.afterScope > 0 ? Math.max(graceMs, BEYOND_HISTORY * history.longestUse) : graceMs;
    return ({ scope, isBusy }) => scope !== null && scope.ended !== 0 && at - scope.ended > patience && !isBusy?.();
  },
  concludes(all, group, context) {
    // from rest to rest of a soak: no handler takes that long
    const picked = isRising(group) ? all : overOf(all, group, context);
    if (picked.length === 0) return null;
    const idle = picked.filter(({ waitsFor }) => waitsFor === null);
    const known = idle.length > 0 ? idle : picked;
    const { history } = group;
    const { at } = context;
    const failed = areOfFailed(known, group, context);
    const isHandedOver = history.afterScope > 0 && !failed;
    const runs = new Set(known.map(({ scope }) => scope as Scope));
    const isJob = known.every(({ scope }) => scope?.kind === 'job');
    const recurs = failed || (history.inScope > 0 ? runs.size >= 2 : isPattern(known, runs, group, context));
    const unknown = ofUnknownScope(group);
    const leaked = recurs && known.length * 2 >= unknown.length ? [...known, ...unknown] : known;

    const evidence = [
      `Still open and idle after its ${isJob ? 'job run' : 'request'} had ended, for ${span(median(known.map(({ scope }) => at - (scope?.ended ?? at))))} at the median` +
        (history.uses > 0 ? `; the ${history.released} that came back took ${span(history.longestUse)} at most.` : '.'),
    ];
    if (isHandedOver) evidence.push(`${history.afterScope} came back only after their scope, so this may yet too.`);
    if (recurs && isRising(group))
      evidence.push(`At rest ${group.rests.join(' → ')} were open, and none ever came back.`);
    return { certainty: recurs && !isHandedOver && idle.length > 0 ? 'likely' : 'suspect', leaked, evidence };
  },
};

/** Nothing ever came back here. */
function isPattern(leaked: Resource[], runs: ReadonlySet<Scope>, group: Group, { scopes }: Context): boolean {
  const kinds = new Set([...runs].map(({ kind }) => kind));
  if (!kinds.has('request')) return runs.size >= NEVER_RELEASED.job;
  if (leaked.some(({ isHandedOver }) => isHandedOver)) return false;
  const names = new Set([...runs].map(({ name }) => name));
  const ended = [...names].reduce((total, name) => total + (scopes.get(name)?.ended ?? 0), 0);
  if (alikeIn(leaked) >= (ended >= 2 * runs.size ? SAME.beside : SAME.alone)) return true;
  if (runs.size < NEVER_RELEASED[group.source.nature.ends === 'given back' ? 'lease' : 'other']) return false;
  // what has just been left is too young to be picked
  const young = scopedIn(group) - leaked.length;
  return ended <= runs.size + young + ofUnknownScope(group).length || isRising(group);
}

/** The first ones of a pile, which was none yet: where many requests add to it, those were requests' too. */
function ofUnknownScope({ accounts }: Group): Resource[] {
  return accounts.flatMap(({ open }) => [...open].filter(({ isOfUnknownScope }) => isOfUnknownScope));
}

/** What is open of those that were taken in a scope: not every request need be one. */
function scopedIn({ accounts }: Group): number {
  let count = 0;
  for (const { open } of accounts) for (const { scope } of open) if (scope !== null) count++;
  return count;
}

/** At each rest more than at the one before, and not ever less more: a cache fills up. */
function isRising({ rests, history }: Group): boolean {
  if (history.released > 0 || rests.length <= RISES) return false;
  const rises = rests.slice(1).map((count, i) => count - (rests[i] as number));
  return Math.min(...rises) > 0 && (rises.at(-1) as number) * 2 >= Math.max(...rises);
}

/** The most requests that each made one that leads to the same: a cache would have it once, and others would have used it. */
function alikeIn(leaked: readonly Resource[]): number {
  const byTarget = new Map<string, Set<Scope | null>>();
  for (const resource of leaked) {
    const target = targetOf(resource);
    // that others use it shows where its flow is known, and nobody uses what listens
    if (target === null || isPart(resource) || !(resource.isFollowed || listens(resource))) continue;
    const scopes = byTarget.get(target) ?? new Set();
    byTarget.set(target, scopes.add(resource.scope));
  }
  return largest([0, ...[...byTarget.values()].map(({ size }) => size)]);
}
