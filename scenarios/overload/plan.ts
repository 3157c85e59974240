/** An overload scenario as data: what is offered where, by which pool model, and what must come of it. */
import type { PoolModel } from '../../pipeline/connections/settings.ts';
import type { Measured } from '../../reports/comparison/comparison.ts';
import { fitLanes, type Need, roomFor } from './fit.ts';
import type { JobLoad, Load } from './load.ts';
import type { SizingRule } from './rules.ts';
import type { ServerWish } from './server.ts';

export interface Region {
  /** In words of the report: `small region`. */
  name: string;
  taskManagers: number;
  /** Of each job in each task manager. */
  slots: number;
  jobs: readonly JobLoad[];
  /** Milliseconds that work arrives. */
  duration: number;
}

export interface VariantPlan {
  name: string;
  region: Region;
  model: PoolModel;
  /** Connections of one pool. */
  max: number;
  /** Variants of one name here are compared, and run one after the other while the machine is the same. */
  compared?: string;
}

export interface ClaimPlan {
  words: string;
  /** Of which comparison's variants it is; as in their plans. */
  compared?: string;
  /** Of one run, its variants by name. */
  holds(run: Readonly<Record<string, Measured>>): boolean;
  /** The numbers that it rests on, for one run. */
  figures?(run: Readonly<Record<string, Measured>>): string;
  /** Holds on whatever machine: a change of it meanwhile is no excuse. */
  always?: true;
  /** About the server's processes: left out where they are not on this machine, or not those of a real server. */
  ofServer?: true;
}

export interface OverloadPlan {
  name: string;
  title: string;
  story: string;
  /** Ends the sentence "As it should be: …." */
  conclusion: string;
  /** Of a private server. */
  server: ServerWish;
  /** Milliseconds. */
  pools: { acquireTimeout: number; logonTimeout: number; idleTimeout: number };
  /** In the order that they run in. */
  variants: readonly VariantPlan[];
  /** What is not done so many milliseconds after work has ceased to arrive is lost (default 300 s). */
  giveUpAfter?: number;
  /** How it is sized by what a private PostgreSQL here can do; none: as it stands. */
  sizing?: readonly SizingRule[];
  /** Declared before any run. */
  claims: readonly ClaimPlan[];
}

/** Those that what was measured can tell of. */
export function claimable(claims: readonly ClaimPlan[], runs: readonly (readonly Measured[])[]): readonly ClaimPlan[] {
  const knowsServer = runs.flat().every(({ server }) => server !== null);
  return claims.filter(({ ofServer }) => knowsServer || !ofServer);
}

export function loadOf(region: Region, seed: number): Load {
  return { seed, jobs: region.jobs, lanes: region.taskManagers * region.slots, duration: region.duration };
}

export function topologyOf({ taskManagers, jobs, slots }: Region): string {
  const managers = `${taskManagers} task manager${taskManagers === 1 ? '' : 's'}`;
  return `${managers} × ${jobs.length} jobs × ${slots} slots`;
}

/** Sessions that the variant can come to want at once. */
export function needOf({ region, model, max }: VariantPlan, slots: number): Need {
  const { taskManagers, jobs } = region;
  // a lane has a few transactions under way at once: those of a burst
  const lane = (job: JobLoad) => Math.max(1, job.burst);
  const perJob = jobs.map((job) => slots * lane(job));
  const inOne = {
    shared: Math.min(max, sum(perJob)),
    'per-job': sum(perJob.map((wanted) => Math.min(max, wanted))),
    'per-slot': sum(jobs.map((job) => slots * Math.min(max, lane(job)))),
  };
  return { taskManagers, connections: taskManagers * inOne[model] };
}

export interface Fitted {
  plan: OverloadPlan;
  why: string[];
}

/** Of each comparison, by its name, its variants' names in their order. */
export function comparedOf({ variants }: OverloadPlan): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { name, compared = '' } of variants) names.set(compared, [...(names.get(compared) ?? []), name]);
  return names;
}

/** Of the variants of these names alone. */
export function onlyOf(plan: OverloadPlan, names: readonly string[]): OverloadPlan {
  return { ...plan, variants: plan.variants.filter(({ name }) => names.includes(name)) };
}

/**
 * The plan as it fits here. Variants of one region are scaled alike, or their work would differ. `maxSessions`: of a
 * server that is not ours to make as large as the incident needs.
 */
export function fitted(plan: OverloadPlan, maxSessions: number | null): Fitted {
  const why: string[] = [];
  const slots = new Map<Region, number>();
  for (const region of new Set(plan.variants.map((variant) => variant.region))) {
    const own = plan.variants.filter((variant) => variant.region === region);
    const neediest = own.reduce((a, b) =>
      needOf(b, region.slots).connections > needOf(a, region.slots).connections ? b : a,
    );
    const fit = fitLanes(
      region.slots,
      (lanes) => needOf(neediest, lanes),
      (need) => roomFor(need, maxSessions),
    );
    slots.set(region, fit.lanes);
    if (fit.why !== null) why.push(`${region.name}: ${fit.why}`);
  }
  const regions = new Map([...slots].map(([region, fitting]) => [region, { ...region, slots: fitting }]));
  const variants = plan.variants.map((variant) => ({ ...variant, region: regions.get(variant.region)! }));
  return { plan: { ...plan, variants }, why };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
