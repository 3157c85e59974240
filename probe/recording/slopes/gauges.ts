/** What is judged between the rounds of a soak: one row a gauge, strongest first; a later one may follow from an earlier. */
import type { Kind, RoundLine } from '../format.ts';
import type { NatureName } from '../natures.ts';

/** How much is a rise: by so many, and by this share of where it began. */
export interface Floor {
  by: number;
  share: number;
}

export interface Gauge {
  nature: NatureName;
  /** Beside the name of the nature. */
  library: string;
  /** Null where it says nothing in this round. */
  read(round: RoundLine): number | null;
  /** Of a suspect, and of more. */
  floors: { suspect: Floor; likely: Floor };
  /** Of the whole process, whichever of its threads looks. */
  isOfProcess?: true;
}

const MB = 1e6;
const HANDLES = { suspect: { by: 3, share: 0.2 }, likely: { by: 10, share: 0.5 } };
/** Each is heavy. */
const HEAVY = { suspect: { by: 3, share: 0.2 }, likely: { by: 6, share: 0.5 } };
/** A service without a leak drifts by 0.1 MB a round: compiled code, feedback of the compiler, inline caches. */
const MEMORY = { suspect: { by: MB, share: 0.05 }, likely: { by: 4 * MB, share: 0.2 } };

/** By the ledger, or where that does not know the kind, by Node's handles. */
const counted =
  (kind: Kind) =>
  ({ owed, handles }: RoundLine): number =>
    Math.max(owed[kind] ?? 0, handles[kind] ?? 0);

export const GAUGES: readonly Gauge[] = [
  { nature: 'lease', library: '', read: counted('connection'), floors: HANDLES },
  { nature: 'interval', library: 'setInterval', read: counted('timer'), floors: HANDLES },
  { nature: 'thread', library: 'node', read: ({ threads }) => threads, floors: HEAVY, isOfProcess: true },
  { nature: 'child', library: 'node', read: counted('child-process'), floors: HEAVY },
  { nature: 'server', library: 'node', read: counted('server'), floors: HANDLES },
  { nature: 'socket', library: 'node', read: counted('socket'), floors: HANDLES },
  { nature: 'watcher', library: 'node', read: counted('watcher'), floors: HANDLES },
  { nature: 'port', library: 'node', read: counted('port'), floors: HANDLES },
  // contexts and heap fall only when they are collected
  {
    nature: 'context',
    library: 'v8',
    read: ({ isCollected, nativeContexts }) => (isCollected ? nativeContexts : null),
    floors: HEAVY,
  },
  { nature: 'memory', library: 'v8', read: memoryOf, floors: MEMORY },
];

/** No finding: the allocator keeps pages, and a service without a leak goes on taking some. */
export const RESIDENT: Pick<Gauge, 'read' | 'floors'> = {
  read: ({ rss }) => rss,
  floors: { suspect: { by: 32 * MB, share: 0.2 }, likely: { by: 32 * MB, share: 0.2 } },
};

/** Bytes. */
export function memoryOf({ isCollected, heapUsed, external }: RoundLine): number | null {
  return isCollected ? heapUsed + external : null;
}
