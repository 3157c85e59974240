/** How long a leaking pool lasts: said only when the recording holds every number that it takes. */
import type { Recording } from '../../probe/recording/format.ts';
import type { Finding } from '../../probe/recording/report.ts';
import { matterOf } from '../matter.ts';
import { number, plural } from '../words.ts';

/** A sentence, or null when the limit or the rate is not known, or the leak is spread over several pools or scopes. */
export function outlook(finding: Finding, recordings: readonly Recording[]): string | null {
  const pools = recordings.flatMap((recording) =>
    [...recording.pools.values()].filter(
      (pool) =>
        finding.kind === 'connection' &&
        matterOf(finding) === 'resource' &&
        pool.library === finding.library &&
        pool.name === finding.pool,
    ),
  );
  const [pool, scope] = [pools[0], finding.scopes[0]];
  if (!pool?.max || pools.length > 1 || finding.estimated) return null;
  const left = pool.max - finding.count;
  if (left <= 0) return `The leak has taken all ${number(pool.max)} connections that the pool allows.`;
  const limit = `${number(finding.count)} of the ${number(pool.max)} connections that the pool allows are gone`;
  if (!scope || finding.scopes.length > 1 || scope.leaked === 0) return `${limit}.`;
  const more = Math.ceil((left * scope.ended) / scope.leaked);
  const runs = /^[A-Z]+ \//.test(scope.name) ? plural(more, 'more request') : plural(more, 'more run');
  return `${limit}; at this rate the rest last about ${runs}.`;
}
