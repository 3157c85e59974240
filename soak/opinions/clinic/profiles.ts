/** What the other three of Clinic's tools show, each in a sentence: its page has the picture, which no sentence replaces. */
import { embedded } from './embedded.ts';

const NAMED = 3;

/** Of the samples of Clinic Flame: stacks, outermost frame first. */
export function flameSays(samples: string): string[] {
  const stacks = JSON.parse(samples) as { name: string }[][];
  const top = new Map<string, number>();
  let all = 0;
  for (const stack of stacks) {
    if (stack.length === 0) continue;
    all++;
    const own = stack.findLast(({ name }) => placeIn(name) !== null);
    if (own) add(top, placeIn(own.name) as string, 1);
  }
  return shares(
    top,
    all,
    (share, place) => `${share} of the samples of Clinic Flame were in ${place}, or what it called.`,
  );
}

interface HeapNode {
  callFrame: { functionName: string; url: string; lineNumber: number };
  selfSize: number;
  children: HeapNode[];
}

/** Of the profile of Clinic Heap Profiler, as V8 writes it: what is allocated and was still there. */
export function heapProfilerSays(profile: string): string[] {
  const { head } = JSON.parse(profile) as { head: HeapNode };
  const sizes = new Map<string, number>();
  let all = 0;
  const visit = (
    { callFrame: { functionName, url, lineNumber }, selfSize, children }: HeapNode,
    above: string | null,
  ) => {
    const place = placeIn(`${functionName} ${url}:${lineNumber + 1}:1`) ?? above;
    all += selfSize;
    if (place !== null) add(sizes, place, selfSize);
    for (const child of children) visit(child, place);
  };
  visit(head, null);
  return shares(sizes, all, (share, place, size) => {
    return `${share} of the memory that Clinic Heap Profiler sampled, ${(size / 1e6).toFixed(1)} MB, was allocated in ${place}.`;
  });
}

interface Cluster {
  nodes: {
    frames: { functionName?: string; fileName?: string; lineNumber?: number }[];
    sources: { init: number | null; before: number[] }[];
  }[];
}

/** Of the page of Clinic Bubbleprof: from when an operation was begun until its callback was called. */
export function bubbleprofSays(page: string): string[] {
  const { data = [] } = embedded<{ data?: Cluster[] }>(page, 'id="clinic-data">') ?? {};
  const waits = new Map<string, number>();
  let all = 0;
  for (const { frames, sources } of data.flatMap(({ nodes }) => nodes)) {
    const wait = sources.reduce((total, { init, before: [first] }) => {
      return init === null || first === undefined ? total : total + Math.max(0, first - init);
    }, 0);
    all += wait;
    const named = frames.map(
      ({ functionName = '', fileName = '', lineNumber = 0 }) => `${functionName} ${fileName}:${lineNumber}:1`,
    );
    const place = named.map(placeIn).find((each) => each !== null);
    if (place) add(waits, place, wait);
  }
  return shares(waits, all, (share, place, wait) => {
    return `${share} of the waiting that Clinic Bubbleprof saw, ${(wait / 1000).toFixed(1)} s in all, was for what ${place} began.`;
  });
}

/** `handler server.js:12`, of the user's code and dependencies; null for Node's own. */
function placeIn(name: string): string | null {
  // an ES module is ./file:/srv/a.mjs to Bubbleprof
  const plain = name.replace(/(?:\.\/)?file:(?:\/\/)?/, '');
  const [, called = '', file, line] = /^(\S*)\s+(\.?(?:[A-Za-z]:)?[\\/][^:]*):(\d+):\d+$/.exec(plain) ?? [];
  if (file === undefined || /[\\/](?:@clinic|0x|@nearform)[\\/]/.test(file)) return null;
  return `${called} ${file}:${line}`.trim();
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

/** Of the largest, at least a hundredth each. */
function shares(
  sums: ReadonlyMap<string, number>,
  all: number,
  sentence: (share: string, place: string, sum: number) => string,
): string[] {
  return [...sums]
    .filter(([, sum]) => sum >= all / 100 && sum > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, NAMED)
    .map(([place, sum]) => sentence(`${Math.round((100 * sum) / all)} %`, place, sum));
}
