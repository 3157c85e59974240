/** How many resources are open, by kind. */
import type { Kind } from '../recording/format.ts';
import { isOwed, type NatureName } from '../recording/natures.ts';
import type { Ledger } from './ledger.ts';

type Counts = Partial<Record<Kind, number>>;

export function openByKind(ledger: Ledger): Counts {
  return countOpen(ledger, () => true);
}

/** Only what somebody has to give back: not what ends by itself. */
export function owedByKind(ledger: Ledger): Counts {
  return countOpen(ledger, isOwed);
}

function countOpen({ sources }: Ledger, counts: (nature: NatureName) => boolean): Counts {
  const open: Counts = {};
  for (const { nature, natureName, accounts } of sources) {
    if (!nature.isTotalled || !counts(natureName)) continue;
    for (const account of accounts.values()) open[nature.kind] = (open[nature.kind] ?? 0) + account.open.size;
  }
  return open;
}
