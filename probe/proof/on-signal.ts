/**
 * OUTLIVE_HEAPDUMP: a snapshot of the heap each time a signal comes, and a line on stderr that says where it is, or why
 * there is none. Writing one holds the event loop: no more than a tenth of the time goes there, however often it is
 * asked for.
 */
import { guarded } from '../process/lapses.ts';
import { now } from '../process/runtime.ts';
import { say } from '../process/say.ts';
import type { Written } from './heap-snapshot.ts';

const SHARE = 10;

/** `write`: the nth, from 1; a sentence where that is not written. */
export function onSignal(signal: NodeJS.Signals, write: (nth: number) => Written | string): void {
  let nth = 1;
  let nextAt = Number.NEGATIVE_INFINITY;
  const answer = (): string => {
    const waitMs = nextAt - now();
    if (waitMs > 0) return `no heap snapshot yet, the last one held it up: again in ${Math.ceil(waitMs / 1000)} s.`;
    const written = write(nth);
    if (typeof written === 'string') return `no heap snapshot. ${written}`;
    nth++;
    nextAt = now() + (SHARE - 1) * written.tookMs;
    return `heap snapshot ${written.file}, written by ${WRITERS[written.by]} in ${(written.tookMs / 1000).toFixed(1)} s.`;
  };
  process.on(signal, () => guarded('heapdump', () => say(`outlive: process ${process.pid}: ${answer()}`)));
}

const WRITERS: Record<Written['by'], string> = { heapdump: 'the heapdump package', node: 'Node.js' };
