/**
 * One of the programs that log on at once to measure the server: opens so many connections when told, and keeps them. It
 * tells when it was done, and for how long it was held up meanwhile.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openSession } from '../../pipeline/store/database.ts';
import type { OwnSession } from '../../pipeline/store/store.ts';

export type BurstOrder = { url: string; count: number };
export type BurstTold = { ready: true } | { endedAt: number; heldUpMs: number } | { failed: string };

const sessions: OwnSession[] = [];
/** Whatever the server is at: it is to be measured. */
const PATIENCE_MS = 600_000;

const heldUp = monitorEventLoopDelay();

process.on('message', ({ url, count }: BurstOrder) => {
  heldUp.enable();
  Promise.all(Array.from({ length: count }, () => open(url))).then(
    () => say({ endedAt: Date.now(), heldUpMs: heldUp.max / 1e6 }),
    (error: Error) => say({ failed: error.message }),
  );
});
process.on('disconnect', () => process.exit());
say({ ready: true });

async function open(url: string): Promise<void> {
  sessions.push(await openSession(url, PATIENCE_MS));
}

function say(told: BurstTold): void {
  process.send?.(told);
}
