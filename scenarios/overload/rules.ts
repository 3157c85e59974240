/**
 * How an overload is sized by what the machine can do: rules that are fixed before any run. Each leaves room on
 * both sides, so that what must break breaks and what must hold holds, on a fast machine and a slow one.
 */
import type { OverloadPlan, Region } from './plan.ts';
import type { ServerLimits } from './server.ts';
import type { Speed } from './speed.ts';

export interface Sized {
  plan: OverloadPlan;
  /** What was set, one sentence each. */
  words: string[];
}

export interface Machine {
  speed: Speed;
  /** Makes a plan as small as there is room for. */
  fit(plan: OverloadPlan): OverloadPlan;
  /** The user said how many slots: they stay. */
  isFixed: boolean;
  /** Of a server that is not ours to change; null: it is. */
  limits: ServerLimits | null;
}

export type SizingRule = (plan: OverloadPlan, machine: Machine) => Sized;

/**
 * A storm's logons take so many times what the server allows each, by the rate that was measured of few hundred; more at
 * once are slower still. Its cure asks for a small part of them.
 */
const STORM_OF_LIMIT = 1.6;
/**
 * Seconds, whole ones in PostgreSQL. A logon of a second or two may be late because the program that asks for it is busy:
 * so short only where there is no room for a larger storm.
 */
const WISHED_LIMIT = 3;
const SHORTEST_LIMIT = 1;
const LONGEST_LIMIT = 60;
/** Beyond the sessions that are wanted. */
const SPARE_SESSIONS = 200;

/** `name`: the region of the storm, each of whose slots asks for `each` connections at once. */
export function sizeStorm(name: string, each: number): SizingRule {
  return (declared, { speed: { logons }, fit, isFixed, limits }) => {
    const perSlot = (region: Region) => region.taskManagers * region.jobs.length * each;
    const plan = fit(
      withRegions(declared, (region) => {
        const seconds = limits?.logonSeconds ?? WISHED_LIMIT;
        const needed = Math.ceil((STORM_OF_LIMIT * seconds * logons) / perSlot(region));
        return region.name === name && !isFixed ? { ...region, slots: Math.max(region.slots, needed) } : region;
      }),
    );
    const storm = plan.variants.find(({ region }) => region.name === name)!.region;
    const wanted = storm.slots * perSlot(storm);
    const lasts = wanted / logons;
    const logonSeconds =
      limits?.logonSeconds ?? within(SHORTEST_LIMIT, Math.round(lasts / STORM_OF_LIMIT), LONGEST_LIMIT);
    const isMild = lasts < logonSeconds ? ' That is no storm: there is no room for a larger one.' : '';
    const logonTimeout = Math.max(plan.pools.logonTimeout, 4000 * logonSeconds);
    const maxSessions = Math.max(plan.server.maxSessions, wanted + SPARE_SESSIONS);
    return {
      plan: {
        ...plan,
        server: { logonSeconds, maxSessions },
        pools: { ...plan.pools, logonTimeout, acquireTimeout: Math.max(plan.pools.acquireTimeout, 4 * logonTimeout) },
      },
      words: [
        `${name}: ${storm.slots} slots a job ask for ${wanted.toLocaleString('en-US')} connections at once, ${lasts.toFixed(1)} s of logons; the server allows a logon ${logonSeconds} s (rule: that divided by ${STORM_OF_LIMIT}).${isMild}`,
      ],
    };
  };
}

function within(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** A heavy transaction holds its connection at least so many times as long as ten connections need for one each. */
const HOLD_OF_TURN = 10;
/** Of what the database can do, the light jobs ask this share at most. */
const LIGHT_SHARE = 0.25;

/** Lets the heavy job hold long enough to be told from the database's own time, and the light ones fit beside it. */
export const sizeHolding: SizingRule = (plan, { speed: { transactions } }) => {
  const turn = (1000 * 10) / transactions;
  const words: string[] = [];
  const sized = withRegions(plan, (region) => {
    const heavy = region.jobs.find((job) => job.class === 'heavy');
    if (!heavy) return region;
    const longest = Math.max(...plan.variants.flatMap((variant) => variant.region.jobs.map(({ hold }) => hold)));
    const hold = Math.max(longest, Math.ceil(HOLD_OF_TURN * turn));
    const lanes = region.taskManagers * region.slots * (region.jobs.length - 1);
    const every = Math.ceil((1000 * lanes) / (LIGHT_SHARE * transactions));
    const jobs = region.jobs.map((job) =>
      job.class === 'heavy'
        ? { ...job, hold: job.hold && hold, burst: Math.max(2, Math.round((job.burst * longest) / hold)) }
        : { ...job, every: job.every && Math.max(job.every, every) },
    );
    const { burst } = jobs.find((job) => job.class === 'heavy')!;
    const light = jobs.find((job) => job.class === 'light')!;
    words.push(
      `${region.name}: ${burst} heavy transactions a slot${heavy.hold ? ` hold for ${hold} ms` : ''}, a light one every ${light.every} ms (rule: ten times what the database needs for ten, and a quarter of what it can do).`,
    );
    return { ...region, jobs };
  });
  return { plan: sized, words };
};

export function sizeBy(rules: readonly SizingRule[], plan: OverloadPlan, machine: Machine): Sized {
  return rules.reduce<Sized>(
    (sized, rule) => {
      const next = rule(sized.plan, machine);
      return { plan: next.plan, words: [...sized.words, ...next.words] };
    },
    { plan, words: [] },
  );
}

/** Variants of one region stay variants of one. */
function withRegions(plan: OverloadPlan, change: (region: Region) => Region): OverloadPlan {
  const regions = new Map([...new Set(plan.variants.map(({ region }) => region))].map((one) => [one, change(one)]));
  return { ...plan, variants: plan.variants.map((variant) => ({ ...variant, region: regions.get(variant.region)! })) };
}
