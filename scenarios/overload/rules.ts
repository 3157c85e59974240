/**
 * How an overload is sized by what the machine can do: rules that are fixed before any run. Each leaves room on
 * both sides, so that what must break breaks and what must hold holds, on a fast machine and a slow one.
 */
import { needOf, type OverloadPlan, type Region, type VariantPlan } from './plan.ts';
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

export interface SizingRule {
  size(plan: OverloadPlan, machine: Machine): Sized;
  /** Null: the sizes are right for what was measured, before or afterwards. Else why not, in a sentence. */
  doubt(plan: OverloadPlan, speed: Speed): string | null;
}

/** A storm's logons take at least so many times what the server allows each, by the rate of a few hundred. */
const STORM_OF_LIMIT = 2.5;
/** The same where there is no room for so large a storm. */
const LEAST_OF_LIMIT = 1.6;
/**
 * Seconds, whole ones in PostgreSQL. A logon of a second may be late because the program that asks for it is busy: so
 * short only where there is no room for a larger storm.
 */
const WISHED_LIMIT = 2;
const SHORTEST_LIMIT = 1;
const LONGEST_LIMIT = 60;
/** The limit is so many times the middle: a single logon may be late for want of a processor, a storm comes back. */
const LATE = 1.5;
/** A logon takes a few turns of its program: the limit is so many times what a program is held up at once … */
const HELD_UP = 3;
/** … and so many times still where that was measured again. */
const STILL_HELD_UP = 1.5;
/** On the right side of the limit, and clear of it by this factor: the storm above, all others below. */
const CLEAR = 1.25;
/** A storm is over after so many times as long as its logons take, at the latest, or what is left is lost. */
const STORM_LASTS = 30;
const LEAST_PATIENCE_MS = 300_000;
/** Beyond the sessions that are wanted. */
const SPARE_SESSIONS = 200;

/**
 * `name`: the region of the storm, each of whose slots asks for `each` connections at once. The limit lies near the middle
 * of what the logons take in the storm and without one, by factors: so the machine may become as much faster as slower.
 */
export function sizeStorm(name: string, each: number): SizingRule {
  const perSlot = (region: Region) => region.taskManagers * region.jobs.length * each;
  const isStorm = ({ region, model }: VariantPlan) => region.name === name && model === 'per-slot';
  const wantedBy = (plan: OverloadPlan, ofStorm: boolean) =>
    Math.max(
      ...plan.variants
        .filter((variant) => isStorm(variant) === ofStorm)
        .map((variant) => needOf(variant, variant.region.slots).connections),
    );
  return {
    size(declared, { speed: { logons, heldUpMs }, fit, isFixed, limits }) {
      if (!declared.variants.some(isStorm)) return { plan: declared, words: [] };
      const wished = limits?.logonSeconds ?? Math.max(WISHED_LIMIT, Math.ceil((HELD_UP * heldUpMs) / 1000));
      const plan = fit(
        withRegions(declared, (region) => {
          const needed = Math.ceil((STORM_OF_LIMIT * wished * logons) / perSlot(region));
          return region.name === name && !isFixed ? { ...region, slots: Math.max(region.slots, needed) } : region;
        }),
      );
      const wanted = wantedBy(plan, true);
      const lasts = wanted / logons;
      const middle = Math.sqrt(lasts * (wantedBy(plan, false) / logons));
      const most = Math.floor(lasts / LEAST_OF_LIMIT);
      const logonSeconds =
        limits?.logonSeconds ??
        within(SHORTEST_LIMIT, Math.min(most, Math.max(wished, Math.round(LATE * middle))), LONGEST_LIMIT);
      const logonTimeout = Math.max(plan.pools.logonTimeout, 4000 * logonSeconds);
      const maxSessions = Math.max(plan.server.maxSessions, wanted + SPARE_SESSIONS);
      const slots = plan.variants.find(isStorm)?.region.slots;
      return {
        plan: {
          ...plan,
          server: { logonSeconds, maxSessions },
          giveUpAfter: Math.max(LEAST_PATIENCE_MS, Math.round(1000 * STORM_LASTS * lasts)),
          pools: { ...plan.pools, logonTimeout, acquireTimeout: Math.max(plan.pools.acquireTimeout, 4 * logonTimeout) },
        },
        words: [
          `${name}: ${slots} slots a job ask for ${wanted.toLocaleString('en-US')} connections at once, ${lasts.toFixed(1)} s of logons; the server allows a logon ${logonSeconds} s (rule: ${LATE} times the middle of the storm's logons and those without one, at least ${WISHED_LIMIT} s and ${HELD_UP} times what a program is held up).`,
        ],
      };
    },
    doubt(plan, { logons, heldUpMs }) {
      if (!plan.variants.some(isStorm)) return null;
      const limit = plan.server.logonSeconds;
      if (STILL_HELD_UP * heldUpMs > 1000 * limit)
        return `a program that logs on is held up for ${(heldUpMs / 1000).toFixed(1)} s at once, and the server allows a logon ${limit} s`;
      const [storm, calm] = [true, false].map((ofStorm) => wantedBy(plan, ofStorm) / logons) as [number, number];
      if (storm < CLEAR * limit)
        return `at ${Math.round(logons)} logons a second the storm's take ${storm.toFixed(1)} s, and the server allows each ${limit} s: that is no storm`;
      if (calm > limit / CLEAR)
        return `at ${Math.round(logons)} logons a second those without a storm take ${calm.toFixed(1)} s already, and the server allows each ${limit} s`;
      return null;
    },
  };
}

function within(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** A heavy transaction holds its connection at least so many times as long as ten connections need for one each. */
const HOLD_OF_TURN = 10;
/** Of what the database can do, the light jobs ask this share at most. */
const LIGHT_SHARE = 0.25;
/** All connections of the largest pool are held at least so many times as long as it takes to open them. */
const HELD_OF_LOGONS = 3;
/** By so much the machine may have changed. */
const SLACK = 2;

const heavyOf = ({ jobs }: Region) => jobs.find((job) => job.class === 'heavy');

/** Sessions of the region's largest pool, or pools. */
function sessionsOf(plan: OverloadPlan, region: Region): number {
  const own = plan.variants.filter((variant) => variant.region === region);
  return Math.max(...own.map((variant) => needOf(variant, region.slots).connections));
}

/** Lets the heavy job hold long enough to be told from the database's own time, and the light ones fit beside it. */
export const sizeHolding: SizingRule = {
  size(plan, { speed: { transactions, logons } }) {
    const turn = (1000 * 10) / transactions;
    const words: string[] = [];
    const longest = Math.max(...plan.variants.flatMap((variant) => variant.region.jobs.map(({ hold }) => hold)));
    const sessions = Math.max(
      ...plan.variants.filter(({ region }) => heavyOf(region)).map(({ region }) => sessionsOf(plan, region)),
    );
    const sized = withRegions(plan, (region) => {
      const heavy = heavyOf(region);
      if (!heavy) return region;
      const hold = Math.max(longest, Math.ceil(HOLD_OF_TURN * turn));
      const lanes = region.taskManagers * region.slots;
      const every = Math.ceil((1000 * lanes * (region.jobs.length - 1)) / (LIGHT_SHARE * transactions));
      const held = Math.max(lanes * heavy.burst * longest, (1000 * HELD_OF_LOGONS * sessions ** 2) / logons);
      const burst = Math.max(2, Math.round(held / (lanes * hold)));
      const jobs = region.jobs.map((job) =>
        job.class === 'heavy'
          ? { ...job, hold: job.hold && hold, burst }
          : { ...job, every: job.every && Math.max(job.every, every) },
      );
      const light = jobs.find((job) => job.class === 'light')!;
      words.push(
        `${region.name}: ${burst} heavy transactions a slot${heavy.hold ? ` hold for ${hold} ms` : ''}, a light one every ${light.every} ms (rule: ten times what the database needs for ten, a quarter of what it can do, and all held three times as long as the logons take).`,
      );
      return { ...region, jobs };
    });
    return { plan: sized, words };
  },
  doubt(plan, { transactions }) {
    const turn = (1000 * 10) / transactions;
    for (const { region } of plan.variants) {
      const heavy = heavyOf(region);
      const light = region.jobs.find((job) => job.class === 'light');
      if (!heavy?.hold || !light?.every) continue;
      if (SLACK * heavy.hold < HOLD_OF_TURN * turn)
        return `at ${Math.round(transactions)} transactions a second the database itself keeps a connection too long for the heavy job's ${heavy.hold} ms to be told from that`;
      const asked = (1000 * region.taskManagers * region.slots * (region.jobs.length - 1)) / light.every;
      if (asked > SLACK * LIGHT_SHARE * transactions)
        return `the light jobs ask for ${Math.round(asked)} transactions a second, and the database does ${Math.round(transactions)}`;
    }
    return null;
  },
};

export function sizeBy(rules: readonly SizingRule[], plan: OverloadPlan, machine: Machine): Sized {
  return rules.reduce<Sized>(
    (sized, rule) => {
      const next = rule.size(sized.plan, machine);
      return { plan: next.plan, words: [...sized.words, ...next.words] };
    },
    { plan, words: [] },
  );
}

/** Of all rules, the first that has one. */
export function doubtOf(rules: readonly SizingRule[], plan: OverloadPlan, speed: Speed): string | null {
  return rules.map((rule) => rule.doubt(plan, speed)).find((doubt) => doubt !== null) ?? null;
}

/** Variants of one region stay variants of one. */
function withRegions(plan: OverloadPlan, change: (region: Region) => Region): OverloadPlan {
  const regions = new Map([...new Set(plan.variants.map(({ region }) => region))].map((one) => [one, change(one)]));
  return { ...plan, variants: plan.variants.map((variant) => ({ ...variant, region: regions.get(variant.region)! })) };
}
