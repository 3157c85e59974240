/**
 * What the counted work of the probe has cost. Each operation is too short to be timed: it is counted, and multiplied by
 * what `npm run bench` measured on Node 24.
 */
import type { Ledger } from './ledger.ts';
import type { Scopes } from './scope.ts';
import { UNFOLLOWED } from './scope-names.ts';

const REQUEST_MS = 0.0012;

/** Of all sources, CPU milliseconds. */
export function costOfOperations({ sources }: Ledger, { totals }: Scopes): number {
  let cost = 0;
  for (const { accounts, costMs } of sources) for (const { acquired } of accounts.values()) cost += acquired * costMs;
  for (const { kind, name, began } of totals.values()) {
    if (kind === 'request' && name !== UNFOLLOWED) cost += began * REQUEST_MS;
  }
  return cost;
}
