/** How many resources are open, by kind. */
import type { Kind } from '../recording/format.ts';
import type { Ledger } from './ledger.ts';

export function openByKind({ sources }: Ledger): Partial<Record<Kind, number>> {
  const open: Partial<Record<Kind, number>> = {};
  for (const { nature, accounts } of sources) {
    if (!nature.isTotalled) continue;
    for (const account of accounts.values()) open[nature.kind] = (open[nature.kind] ?? 0) + account.open.size;
  }
  return open;
}
