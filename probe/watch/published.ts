/** Listens to the channel of pools that make themselves watchable; the rest is loaded when the first of them is used. */
import type { AdapterName } from '../adapters.ts';
import { LEASE_CHANNEL, type LeaseMessage } from '../lease.ts';
import type { Method } from '../process/around.ts';
import { type LoadPart, loadOnDemand } from '../process/on-demand.ts';
import { listenTo } from './channels.ts';
import type { Desk } from './desk.ts';
import type { PublishedPools } from './pools/published.ts';

const PART = 'lease' satisfies AdapterName;

export function watchPublished(desk: Desk, load: (load: LoadPart) => typeof import('./pools/published.ts')): void {
  let pools: PublishedPools | null = null;
  const told = (message: LeaseMessage): void => {
    pools ??= new (loadOnDemand(load).PublishedPools)(desk);
    pools.told(message, told as Method);
  };
  listenTo(PART, LEASE_CHANNEL, told);
}
