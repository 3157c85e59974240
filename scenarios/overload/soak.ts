/** Runs an overload's variants, judges its claims, writes the comparison. */
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import type { PoolLibrary } from '../../pipeline/connections/settings.ts';
import { writeReport } from '../../probe/recording/build-report.ts';
import { writeOwn } from '../../probe/recording/own.ts';
import type { Claim, Comparison, Measured } from '../../reports/comparison/comparison.ts';
import { renderComparison } from '../../reports/comparison/page.ts';
import { comparisonTable } from '../../reports/comparison/terminal.ts';
import { UserError } from '../../user-error.ts';
import type { FaultName } from '../faults/names.ts';
import type { SoakContext, SoakResult } from '../scenario.ts';
import { offeredBy } from './load.ts';
import { type ClaimPlan, claimable, fitted, loadOf, type OverloadPlan, topologyOf } from './plan.ts';
import { sizeBy } from './rules.ts';
import { type LoadServer, openLoadServer } from './server.ts';
import { measureSpeed, speedWords } from './speed.ts';
import { runVariant } from './variant.ts';

export async function soakOverload(declared: OverloadPlan, context: SoakContext): Promise<SoakResult> {
  const { out, runs, signal, onProgress, options } = context;
  const seed = numberOf('seed', options.seed ?? '1', 0, 2 ** 31 - 1);
  const library = options.pool as PoolLibrary;
  const fault = options.fault as FaultName;
  const sized = withSlots(declared, options.slots);
  onProgress('database', 0, 1, 'starting the database');
  const isOracle = options.database === 'oracle';
  if (isOracle && fault !== 'none') throw new UserError('--fault is for PostgreSQL, not for --database oracle.');
  const { server, ...sizing } = isOracle
    ? { server: await (await import('./oracle-server.ts')).openOracleLoadServer(sized.server), plan: sized, words: [] }
    : await sizedHere(sized, sized !== declared, onProgress);
  try {
    const { plan, why } = fitted(sizing.plan, server.isPrivate ? null : server.limits.maxSessions);
    for (const sentence of [...sizing.words, ...why]) process.stderr.write(`${sentence}\n`);
    const measured: Measured[][] = [];
    const variants: SoakResult['variants'] = [];
    const html = path.join(out, 'comparison.html');
    // after each run: what is there when somebody has seen enough counts too
    const write = () => {
      const comparison = comparisonOf(plan, {
        ...{ seed, runs: measured, why, fault, server: server.words, sizing: sizing.words },
      });
      writeOwn(html, renderComparison(comparison));
      writeOwn(path.join(out, 'comparison.json'), `${JSON.stringify(comparison, null, 2)}\n`);
      return comparison;
    };
    for (let run = 1; run <= runs; run++) {
      const ofRun: Measured[] = [];
      for (const variant of plan.variants) {
        signal.throwIfAborted();
        const folder = path.join(out, ...(runs > 1 ? [`run-${run}`] : []), variant.name);
        const stage = runs > 1 ? `${variant.name} ${run}/${runs}` : variant.name;
        const result = await runVariant(variant, {
          ...{ plan, server, folder, seed, library, fault, signal },
          onProgress: (done, of, note) => onProgress(stage, done, of, note),
        });
        ofRun.push(result);
        const written = writeReport(folder);
        const { offered, done, lost, doubled } = result.transactions;
        if (run === runs)
          variants.push({ name: variant.name, folder, work: { offered, done, lost, doubled }, ...written });
      }
      measured.push(ofRun);
      write();
    }
    const comparison = write();
    return { variants, checks: comparison.claims, html, table: comparisonTable(comparison), outcome: comparison };
  } finally {
    await server.stop();
  }
}

/** Measures first, and starts the server anew where the plan is to have other limits. */
async function sizedHere(
  plan: OverloadPlan,
  isFixed: boolean,
  onProgress: SoakContext['onProgress'],
): Promise<{ server: LoadServer; plan: OverloadPlan; words: string[] }> {
  const server = await openLoadServer(plan.server);
  if (!plan.sizing) return { server, plan, words: [] };
  try {
    onProgress('measure', 0, 1, 'measuring the machine and its database');
    const speed = await measureSpeed(server);
    const limits = server.isPrivate ? null : server.limits;
    const fit = (wish: OverloadPlan) => fitted(wish, limits?.maxSessions ?? null).plan;
    const sized = sizeBy(plan.sizing, plan, { speed, fit, isFixed, limits });
    const words = [speedWords(speed), ...sized.words];
    const isAlike = JSON.stringify(sized.plan.server) === JSON.stringify(plan.server);
    if (isAlike || limits) return { server, plan: sized.plan, words };
    await server.stop();
    return { server: await openLoadServer(sized.plan.server), plan: sized.plan, words };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** True of every overload: nobody may pay with work. */
const NOTHING_LOST: ClaimPlan = {
  words: 'no variant lost a transaction or did one twice',
  holds: (run) => Object.values(run).every(({ transactions }) => transactions.lost + transactions.doubled === 0),
  figures: (run) =>
    Object.values(run)
      .map(({ variant, transactions }) => `${variant} ${transactions.done} of ${transactions.offered}`)
      .join(', '),
};

interface Outcome {
  seed: number;
  runs: Measured[][];
  why: string[];
  fault: FaultName;
  server: string;
  sizing: string[];
}

function comparisonOf(plan: OverloadPlan, { seed, runs, why, fault, server, sizing }: Outcome): Comparison {
  const regions = new Set(plan.variants.map(({ region }) => region));
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
    runs,
    claims: claimable([NOTHING_LOST, ...(fault === 'none' ? plan.claims : [])], runs).map((claim) =>
      judged(claim, runs),
    ),
  };
}

function judged({ words, holds, figures }: ClaimPlan, runs: readonly Measured[][]): Claim {
  const named = runs.map((run) => Object.fromEntries(run.map((measured) => [measured.variant, measured])));
  const held = named.filter(holds).length;
  const worst = named.find((run) => !holds(run)) ?? named.at(-1)!;
  const share = runs.length > 1 ? `${held} of ${runs.length} runs` : '';
  const numbers = figures?.(worst) ?? '';
  const bracket = [share, numbers].filter(Boolean).join(': ');
  return { passed: held === runs.length, sentence: bracket ? `${words} (${bracket})` : words };
}

function withSlots(plan: OverloadPlan, slots: string | undefined): OverloadPlan {
  if (slots === undefined || slots === 'as declared') return plan;
  const count = numberOf('slots', slots, 1, 1000);
  const regions = new Map(plan.variants.map(({ region }) => [region, { ...region, slots: count }]));
  return { ...plan, variants: plan.variants.map((variant) => ({ ...variant, region: regions.get(variant.region)! })) };
}

function numberOf(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UserError(`--${option} must be a whole number from ${min} to ${max}, not "${text}".`);
}
