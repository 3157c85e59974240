/** What to choose: the law's answer, what each model opens against the limit, how it would run, and what follows. */
import { number, percent } from '../words.ts';
import type { Measured, Validation } from './points.ts';
import { type Outcome, type System, simulate } from './simulate.ts';
import { type Demand, demandOf, MODEL_WORDS, MODELS, type Model, type Topology } from './topology.ts';
import { type Fit, fitLaw, type Law, type Point, throughputAt } from './usl.ts';

export interface Plan extends Demand {
  /** Null: not simulated, see `problem`. */
  outcome: Outcome | null;
  problem: string | null;
  /** More connections were at work in the simulation than were measured. */
  isExtrapolated: boolean;
}

export interface Sizing {
  points: (Point & { fitted: number | null })[];
  fit: Fit | null;
  /** Why the fit must not be used, or is none; and why at least no peak may be read off it. */
  doubts: string[];
  peakDoubts: string[];
  validation: (Validation & { predicted: Outcome; error: number })[];
  limit: number | null;
  topology: Topology | null;
  thinkMs: number;
  plans: Plan[];
  /** The same topology with other numbers of regions on the one server. */
  regions: { regions: number; plans: Pick<Plan, 'model' | 'atPeak' | 'outcome' | 'problem' | 'isExtrapolated'>[] }[];
  recommendation: string[];
  notes: string[];
}

export interface SizingOptions {
  measured: Measured | null;
  topology: Topology | null;
  thinkMs: number;
  limit: number | null;
}

/** Left for others: administrators, migrations, the sampler. */
const RESERVE = 0.1;
const REGIONS = [1, 2, 5, 10, 20, 30];
const NOTHING_MEASURED = { fit: null, doubts: [], peakDoubts: [] };
/** More lanes than these are not simulated. */
const MOST_LANES = 100_000;

export function sizing({ measured, topology, thinkMs, limit: given }: SizingOptions): Sizing {
  const limit = given ?? measured?.limit ?? null;
  const { fit, doubts, peakDoubts } = measured ? fitLaw(measured.points) : NOTHING_MEASURED;
  const most = Math.max(0, ...(measured?.points ?? []).map(({ concurrency }) => concurrency));
  const hasPeak = fit !== null && doubts.length + peakDoubts.length === 0;
  const law = fit && doubts.length === 0 ? fit.law : null;
  const plansOf = (of: Topology) => MODELS.map((model) => planOf(model, of, law, most, limit, thinkMs));
  return {
    points: (measured?.points ?? []).map((point) => ({
      ...point,
      fitted: fit && throughputAt(fit.law, point.concurrency),
    })),
    fit,
    doubts,
    peakDoubts,
    validation: law ? (measured?.validation ?? []).map((one) => validated(law, one)) : [],
    ...{ limit, topology, thinkMs },
    plans: topology ? plansOf(topology) : [],
    regions:
      topology && law
        ? regionsOf(topology.regions).map((regions) => ({ regions, plans: plansOf({ ...topology, regions }) }))
        : [],
    recommendation: topology ? recommend(topology, hasPeak ? fit : null, limit, measured !== null) : [],
    notes: measured?.notes ?? [],
  };
}

function regionsOf(given: number): number[] {
  return [...new Set([...REGIONS, given])].sort((a, b) => a - b);
}

function planOf(
  model: Model,
  topology: Topology,
  law: Law | null,
  mostMeasured: number,
  limit: number | null,
  thinkMs: number,
): Plan {
  const demand = demandOf(model, topology);
  const without = (problem: string | null): Plan => ({ ...demand, outcome: null, problem, isExtrapolated: false });
  if (limit !== null && demand.atPeak > limit) {
    return without(`${number(demand.atPeak - limit)} beyond the limit are refused`);
  }
  if (!law) return without(null);
  const system: System = {
    pools: demand.pools,
    lanesPerPool: demand.slotsPerPool * topology.operations,
    connectionsPerPool: demand.atPeak / demand.pools,
    thinkMs,
  };
  if (system.pools * system.lanesPerPool > MOST_LANES) return without('too many lanes to simulate');
  const outcome = simulate(law, system);
  return { ...demand, outcome, problem: null, isExtrapolated: outcome.mostBusy > mostMeasured };
}

function validated(law: Law, one: Validation): Sizing['validation'][number] {
  const predicted = simulate(law, one.system);
  return { ...one, predicted, error: predicted.throughput / one.throughput - 1 };
}

/** Pools that together stay below what the server serves best, and below what it accepts. */
function recommend(topology: Topology, fit: Fit | null, limit: number | null, isMeasured: boolean): string[] {
  const allowed = limit === null ? null : Math.floor(limit * (1 - RESERVE));
  const best = fit?.enough ?? null;
  const budget = Math.min(allowed ?? Number.POSITIVE_INFINITY, best ?? Number.POSITIVE_INFINITY);
  if (!Number.isFinite(budget)) {
    return ['Without a measured sweep and without --limit there is nothing to hold the numbers against.'];
  }
  const why =
    best !== null && budget === best
      ? `${number(best)} connections reach 95 % of the throughput at the peak (${number(fit?.peakThroughput ?? 0)}/s at ${number(fit?.peak ?? 0)})`
      : `the server accepts ${number(limit ?? 0)} sessions, of which a tenth is left to others`;
  const sentences = fit || !isMeasured ? [] : ['The sweep tells no peak, so only the limit counts.'];
  sentences.push(`Open at most ${number(budget)} connections in all: ${why}.`);
  const shareOf = (model: Model) => Math.floor(budget / demandOf(model, topology).pools);
  const isOneJob = topology.jobs === 1;
  const chosen: Model | null =
    !isOneJob && shareOf('per-job') >= 1 ? 'per-job' : shareOf('shared') >= 1 ? 'shared' : null;
  if (chosen === null) {
    const { pools } = demandOf('shared', topology);
    sentences.push(
      `Even one connection for each of the ${number(pools)} processes is more than that: run fewer processes, give regions a server of their own, or put a connection pooler between.`,
    );
    return sentences;
  }
  const { pools } = demandOf(chosen, topology);
  const max = shareOf(chosen);
  sentences.push(
    `Take ${MODEL_WORDS[chosen]}, at most ${number(max)} connections each: ${number(pools * max)} in all.`,
  );
  if (chosen === 'per-job') {
    sentences.push(
      'Each job then waits only for itself; a heavy job is held to its own connections, and gets slower for it.',
    );
  } else if (!isOneJob) {
    sentences.push('A pool for each job does not fit: a job that holds its connections will make the others wait.');
  }
  const asked = demandOf('per-slot', topology);
  if (!isOneJob && asked.atPeak > budget) {
    sentences.push(
      `A pool for each slot asks for ${number(asked.atPeak)} connections${limit !== null && asked.atPeak > limit ? `, ${percent(asked.atPeak / limit)} of the limit` : ''}.`,
    );
  }
  return sentences;
}
