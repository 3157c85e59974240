/** What is measured, one row each. */
import { setTimeout as delay } from 'node:timers/promises';
import { Load } from './load.ts';
import { compared, type Plan, type Slices, Subjects, sliced } from './pairs.ts';
import { startUps } from './start-up.ts';
import { type Estimate, estimate, median } from './statistics.ts';
import type { Subject } from './subject.ts';
import type { Variant } from './variants.ts';

/** `ratio`: to the bare program; all others: what comes on top of it. */
export type Unit = 'ratio' | 'µs' | 'ms' | 'bytes' | 'ms/s';

export interface Row {
  name: string;
  what: string;
  unit: Unit;
  /** Unless told otherwise; each round starts fresh processes. */
  rounds: number;
  /** One round, compared with the first variant, in the row's unit; `tell` hears the probe's own account in it. */
  round(session: Session, tell: (variant: Variant, account: number) => void): Promise<Slices>;
}

export interface Session {
  variants: readonly Variant[];
  /** Starts PostgreSQL when first asked. */
  databaseUrl(): Promise<string>;
  progress(text: string): void;
}

export interface Result {
  name: string;
  what: string;
  unit: Unit;
  rounds: number;
  /** `account`: what the probe says of itself, in the row's unit; null where it is not asked. */
  variants: { name: Variant['name']; estimate: Estimate; account: number | null }[];
  /** Whether the control allows to tell: no wider than 1 % for ratios, apart from what the probe shows otherwise. */
  isResolved: boolean;
}

const WIDEST_CONTROL = 0.01;

export async function measure(row: Row, rounds: number, session: Session): Promise<Result> {
  const all = new Map<Variant, number[][]>();
  const accounts = new Map<Variant, number[]>();
  const tell = (variant: Variant, account: number): void =>
    void accounts.set(variant, [...(accounts.get(variant) ?? []), account]);
  for (let round = 1; round <= rounds; round++) {
    session.progress(`${row.name}: round ${round} of ${rounds}`);
    for (const [variant, slices] of await row.round(session, tell))
      all.set(variant, [...(all.get(variant) ?? []), slices]);
  }
  const variants = [...all].map(([variant, slices]) => {
    const said = accounts.get(variant);
    return { name: variant.name, estimate: estimate(slices), account: said ? median(said) : null };
  });
  return { name: row.name, what: row.what, unit: row.unit, rounds, variants, isResolved: isResolved(row, variants) };
}

function isResolved({ unit }: Row, variants: Result['variants']): boolean {
  const control = variants.find(({ name }) => name === 'control')?.estimate;
  if (!control) return false;
  if (unit === 'ratio') return control.high - control.low <= WIDEST_CONTROL;
  return variants
    .filter(({ name }) => name === 'production' || name === 'soak')
    .every(({ estimate: { low, high } }) => low > control.high || high < control.low);
}

const SERVICE = { file: 'service.ts' };

const service: Row = {
  name: 'service',
  what: 'HTTP + generic-pool + pg, per request',
  unit: 'ratio',
  rounds: 10,
  round: async ({ variants, databaseUrl }) => {
    const workload = { ...SERVICE, env: { DATABASE_URL: await databaseUrl() } };
    using load = new Load();
    const drive = (subject: Subject, requests: number) => load.drive(subject.hello, requests);
    // short slices in turn: what the machine does meanwhile then falls on all alike
    return compared(await sliced(variants, { workload, units: 300, warmUp: 24_000, slices: 40, drive }), 'ratio');
  },
};

/** Requests per second, and for how long: forced collections come once a minute at most. */
const SUSPECT = { rate: 60, seconds: 150 };

const suspect: Row = {
  name: 'suspect',
  what: 'the same with a standing suspect, so that collections are forced; all at once, at a fixed rate',
  unit: 'ratio',
  rounds: 1,
  round: async ({ variants, databaseUrl, progress }) => {
    await using subjects = await Subjects.start({ ...SERVICE, env: { DATABASE_URL: await databaseUrl() } }, variants);
    using load = new Load();
    for (const [, { hello }] of subjects.all) {
      await load.drive(hello, 4000);
      // twice: what was acquired only once is not judged
      for (let i = 0; i < 2; i++) await load.get(`${hello}/leak`);
    }
    progress(`suspect: ${SUSPECT.seconds} s`);
    const spent = await Promise.all(
      subjects.all.map(async ([variant, subject]): Promise<[Variant, number[]]> => {
        return [variant, [await subject.measure(() => load.pace(subject.hello, SUSPECT.rate, SUSPECT.seconds))]];
      }),
    );
    const inOrder = new Map(variants.map((variant) => [variant, new Map(spent).get(variant) ?? []]));
    return compared(inOrder, 'ratio');
  },
};

const startUp: Row = {
  name: 'start-up',
  what: 'an empty program from start to end, its report included',
  unit: 'ms',
  rounds: 15,
  round: async ({ variants }) => compared(await startUps(variants), 'difference'),
};

/** What one more open lease costs: bytes of heap, or milliseconds of CPU in a second of rest. */
function open(name: string, count: number): Row[] {
  const workload = { file: 'open.ts', flags: ['--expose-gc'] };
  const each = async ({ variants }: Session, read: (subject: Subject) => Promise<number>): Promise<Slices> => {
    const slices: Slices = new Map();
    for (const variant of variants) {
      await using subjects = await Subjects.start(workload, [variant]);
      for (const [, subject] of subjects.all) slices.set(variant, [await read(subject)]);
    }
    return compared(slices, 'difference');
  };
  return [
    {
      name: `memory-${name}`,
      what: `${name} leases open: heap for each`,
      unit: 'bytes',
      rounds: 3,
      round: (session) =>
        each(session, async (subject) => {
          const before = await subject.run(0);
          return ((await subject.run(count)) - before) / count;
        }),
    },
    {
      name: `rest-${name}`,
      what: `${name} leases open: CPU in a second of rest`,
      unit: 'ms/s',
      rounds: 2,
      round: (session) =>
        each(session, async (subject) => {
          await subject.run(count);
          // findings are made and written down at first
          await delay(REST_SECONDS * 1000);
          return (await subject.measure(() => delay(REST_SECONDS * 1000))) / 1000 / REST_SECONDS;
        }),
    },
  ];
}

const REST_SECONDS = 8;

/** The longest that judging so many open leases holds the event loop. */
function pause(name: string, count: number): Row {
  return {
    name: `pause-${name}`,
    what: `${name} leases open, one in motion: the longest block of the event loop`,
    unit: 'ms',
    rounds: 3,
    round: async ({ variants }) => {
      const slices: Slices = new Map();
      for (const variant of variants) {
        await using subjects = await Subjects.start({ file: 'pause.ts' }, [variant]);
        for (const [, subject] of subjects.all) {
          await subject.run(count);
          // findings are made and written down at first
          await delay(REST_SECONDS * 1000);
          slices.set(variant, [await subject.run(0)]);
        }
      }
      return compared(slices, 'difference');
    },
  };
}

function operation(name: string, what: string, plan: Omit<Plan, 'slices'>, needsDatabase: boolean = false): Row {
  return {
    name,
    what,
    unit: 'µs',
    rounds: 8,
    round: async ({ variants, databaseUrl }, tell) => {
      const env: Record<string, string> = needsDatabase ? { DATABASE_URL: await databaseUrl() } : {};
      const workload = { ...plan.workload, env: { ...plan.workload.env, ...env } };
      return compared(await sliced(variants, { ...plan, workload, slices: 12 }, tell), 'difference');
    },
  };
}

const program = (file: string, ...args: string[]): Plan['workload'] => ({ file, args });
const many = { units: 40_000, warmUp: 160_000 };
const some = { units: 10_000, warmUp: 40_000 };

export const ROWS: readonly Row[] = [
  service,
  operation('generic-pool', 'acquire and release', { workload: program('generic-pool.ts'), ...some }),
  operation('pg', 'connect and release', { workload: program('pg.ts'), ...some }, true),
  operation('timeout', 'setTimeout and clearTimeout', { workload: program('timers.ts', 'timeout'), ...many }),
  operation('interval', 'setInterval and clearInterval', { workload: program('timers.ts', 'interval'), ...many }),
  operation('promise', 'one awaited promise', { workload: program('promises.ts'), units: 300_000, warmUp: 600_000 }),
  operation('promise-marked', 'the same with a scope and a lease open', {
    workload: program('promises.ts', 'marked'),
    units: 300_000,
    warmUp: 600_000,
  }),
  operation('growth', 'one element each added to a map, a set and an array, with OUTLIVE_GROWTH=on', {
    workload: { ...program('collections.ts'), env: { OUTLIVE_GROWTH: 'on' } },
    units: 100_000,
    warmUp: 400_000,
  }),
  startUp,
  ...open('1k', 1000),
  ...open('10k', 10_000),
  ...open('100k', 100_000),
  pause('100k', 100_000),
  pause('300k', 300_000),
  suspect,
];
