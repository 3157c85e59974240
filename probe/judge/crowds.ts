/**
 * Of listeners that Node warned of: a suspect, for an application may well add a dozen on purpose. Likely when a request
 * or a job added the one too many, and it recurs: on several emitters, or there are twice as many by now.
 *
 * False positives: an emitter of the application's that many requests in flight listen to at once.
 * False negatives: up to ten listeners, a limit that was raised or taken away, and `AbortSignal`, which has none.
 */
import { EventEmitter, getEventListeners } from 'node:events';
import type { Crowd } from '../account/crowd.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { mask } from '../recording/mask.ts';
import { frameToName } from './blame.ts';
import { siteUnknown } from './findings.ts';

const RECURS = { emitters: 2, times: 2 };
const MAX_NAME = 60;

/** By key; those whose listeners were removed, or whose emitters are gone, no longer stand. */
export function findingsOfCrowds(crowds: readonly Crowd[]): Map<string, RecordedFinding> {
  const found = new Map<string, RecordedFinding>();
  for (const site of new Set(crowds.map((crowd) => crowd.site))) {
    const standing = crowds
      .filter((crowd) => crowd.site === site)
      .map((crowd) => ({ ...crowd, now: listenersNow(crowd) }))
      .filter(({ now, warnedAt }) => now >= warnedAt);
    const [first] = standing;
    if (!first) continue;
    const count = standing.reduce((total, { now }) => total + now, 0);
    const recurs =
      standing.length >= RECURS.emitters || standing.some(({ now, warnedAt }) => now >= RECURS.times * warnedAt);
    found.set(`listeners ${site.id}`, {
      ...{ kind: 'listener', nature: 'listener', detector: 'growth', count, acquired: 0, released: 0 },
      certainty: recurs && standing.some(({ isOfScope }) => isOfScope) ? 'likely' : 'suspect',
      ...{ estimated: false, library: 'node:events', pool: null, site: site.id, frame: frameToName(site, []) },
      siteUnknown: siteUnknown(site),
      evidence: [inWords(first, standing.length, count)],
      ...{ exhausted: null, holders: [], scopes: [] },
    });
  }
  return found;
}

function inWords({ name, event, warnedAt, isOfScope }: Crowd, emitters: number, count: number): string {
  const where =
    emitters === 1 ? `one ${shortName(name)}` : `each of ${emitters} emitters, such as one ${shortName(name)},`;
  const when = isOfScope ? ', in a request or a job' : '';
  return `Node itself warned here of a possible leak: ${warnedAt} listeners of "${shortName(event)}" on ${where} are more than its limit; this line added the last of them${when}. There are ${count} now.`;
}

/** 0 when it is gone. */
function listenersNow({ emitter, event }: Crowd): number {
  const target = emitter.deref();
  if (target === undefined) return 0;
  // not its own method, which may be overridden
  if (target instanceof EventEmitter) return EventEmitter.prototype.listenerCount.call(target, event);
  return getEventListeners(target as EventTarget, event as string).length;
}

function shortName(text: string | symbol): string {
  return mask(String(text).slice(0, MAX_NAME));
}
