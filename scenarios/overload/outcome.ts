/** What an overload came to: its claims judged, and all that the comparison shows. */
import { availableParallelism, totalmem } from 'node:os';
import type { Claim, Comparison, Measured } from '../../reports/comparison/comparison.ts';
import { offeredBy } from './load.ts';
import { type ClaimPlan, claimable, loadOf, type OverloadPlan, topologyOf } from './plan.ts';

export interface Outcome {
  seed: number;
  runs: OverloadRun[];
  /** What was scaled down. */
  why: string[];
  fault: string;
  server: string;
  sizing: string[];
}

export interface OverloadRun {
  measured: Measured[];
  /** By comparison, why the sizes were not right for the machine, however often they were set anew. */
  doubts: Readonly<Record<string, string>>;
}

/** True of every overload: nobody may pay with work. */
const NOTHING_LOST: ClaimPlan = {
  words: 'no variant lost a transaction or did one twice',
  always: true,
  holds: (run) => Object.values(run).every(({ transactions }) => transactions.lost + transactions.doubled === 0),
  figures: (run) =>
    Object.values(run)
      .map(({ variant, transactions }) => `${variant} ${transactions.done} of ${transactions.offered}`)
      .join(', '),
};

/** `plan`: as it was sized. */
export function comparisonOf(plan: OverloadPlan, { seed, runs, why, fault, server, sizing }: Outcome): Comparison {
  const regions = new Set(plan.variants.map(({ region }) => region));
  const measured = runs.map((run) => run.measured);
  const claims = claimable([NOTHING_LOST, ...(fault === 'none' ? plan.claims : [])], measured);
  return {
    title: plan.title,
    story: plan.story,
    seed,
    loads: [...regions].map((region) => {
      const { hash, transactions, byClass } = offeredBy(loadOf(region, seed));
      const heavy = byClass.heavy ? `, ${byClass.heavy} of them heavy` : '';
      return { name: region.name, hash, transactions, words: `${topologyOf(region)}${heavy}` };
    }),
    sizing,
    scaledDown: why.length ? why.join(' ') : null,
    server: fault === 'none' ? server : `${server}, with the fault "${fault}" mixed in`,
    machine: `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node.js ${process.versions.node}`,
    runs: measured,
    claims: claims.map((claim) => judged(claim, runs)),
  };
}

/** A claim that did not hold where the sizes were wrong for the machine is neither shown nor refuted. */
export function judged(
  { words, compared = '', holds, figures, always }: ClaimPlan,
  runs: readonly OverloadRun[],
): Claim {
  const named = runs.map(({ measured, doubts }) => {
    const run = Object.fromEntries(measured.map((one) => [one.variant, one]));
    return { run, held: holds(run), doubt: always ? null : (doubts[compared] ?? null) };
  });
  const failed = named.filter(({ held }) => !held);
  const worst = failed.find(({ doubt }) => doubt === null) ?? failed[0] ?? named.at(-1)!;
  const share = runs.length > 1 ? `${named.length - failed.length} of ${runs.length} runs` : '';
  const bracket = [share, figures?.(worst.run)].filter(Boolean).join(': ');
  const sentence = bracket ? `${words} (${bracket})` : words;
  if (worst.held || worst.doubt === null) return { passed: worst.held, sentence };
  return { passed: false, isInconclusive: true, sentence: `${sentence}: not to be told here, as ${worst.doubt}` };
}
