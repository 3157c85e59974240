/** The lines of the comparison, for the terminal and the page alike: each a number of every variant. */
import { duration, number } from '../words.ts';
import { type Comparison, type Measured, median } from './comparison.ts';

export interface Row {
  label: string;
  /** What it means, for who does not know. */
  title: string;
  cells: string[];
}

type Figure = (measured: Measured) => number | null;

const count = (value: number) => number(Math.round(value));
const megabytes = (value: number) => `${count(value / 2 ** 20)} MB`;
const kilobytes = (value: number) => `${count(value / 1024)} kB`;

const FIGURES: readonly [label: string, title: string, figure: Figure, words: (value: number) => string][] = [
  ['connections of one pool', 'the most that one pool may have', ({ poolMax }) => poolMax, count],
  ['connections wanted', 'by the topology, at a job start', ({ connections }) => connections.wanted, count],
  ['connections asked for', 'logons that were begun', ({ connections }) => connections.asked, count],
  ['… most at once', 'logons under way at the same time', ({ connections }) => connections.underWayPeak, count],
  ['connections, peak', 'sessions open at the same time', ({ connections }) => connections.peak, count],
  ['transactions', 'that were offered and are done', ({ transactions }) => transactions.done, count],
  ['transactions lost', 'offered but not there at the end', ({ transactions }) => transactions.lost, count],
  ['done per second', 'over the time until all was done', (m) => m.transactions.done / m.seconds, number],
  ['light jobs, p50', 'from due to done', ({ latency }) => latency.light?.p50 ?? null, duration],
  ['light jobs, p95', 'from due to done', ({ latency }) => latency.light?.p95 ?? null, duration],
  ['light jobs, p99', 'from due to done', ({ latency }) => latency.light?.p99 ?? null, duration],
  ['heavy job, p50', 'from due to done', ({ latency }) => latency.heavy?.p50 ?? null, duration],
  ['heavy job, p95', 'from due to done', ({ latency }) => latency.heavy?.p95 ?? null, duration],
  ['heavy job, p99', 'from due to done', ({ latency }) => latency.heavy?.p99 ?? null, duration],
  ['light jobs wait, p99', 'for a connection', (m) => waitOf(m, 'light'), duration],
  ['heavy job waits, p99', 'for a connection', (m) => waitOf(m, 'heavy'), duration],
  [
    'database CPU per transaction',
    'of all its processes',
    (m) => m.server?.cpuPerTransaction ?? null,
    (ms) => `${number(ms)} ms`,
  ],
  ['database memory, peak', 'that its sessions do not share', (m) => m.server?.memoryPeakBytes ?? null, megabytes],
  ['… per transaction', 'peak by transactions done', (m) => m.server?.memoryPerTransactionBytes ?? null, kilobytes],
  ['errors', 'attempts that failed', ({ errorCount }) => errorCount, count],
  ['… that blame the socket', 'and say no more', ({ misleading }) => misleading, count],
];

function waitOf({ waits }: Measured, jobClass: string): number | null {
  const own = waits.filter((wait) => wait.class === jobClass);
  return own.length ? Math.max(...own.map(({ wait }) => wait.p99)) : null;
}

export function variantsOf({ runs }: Comparison): Measured[][] {
  const first = runs[0] ?? [];
  return first.map((_, index) => runs.map((run) => run[index]!).filter(Boolean));
}

/** Of several runs the middle one's number. A line that no variant has is left out. */
export function rowsOf(comparison: Comparison): Row[] {
  const variants = variantsOf(comparison);
  return FIGURES.flatMap(([label, title, figure, words]) => {
    const values = variants.map((runs) => {
      const known = runs.map(figure).filter((value) => value !== null);
      return known.length ? median(known) : null;
    });
    if (values.every((value) => value === null)) return [];
    return [{ label, title, cells: values.map((value) => (value === null ? '–' : words(value))) }];
  });
}
