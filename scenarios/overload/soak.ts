/** Runs an overload's variants, judges its claims, writes the comparison. */
import path from 'node:path';
import type { PoolLibrary } from '../../pipeline/connections/settings.ts';
import { writeReport } from '../../probe/recording/build-report.ts';
import { writeOwn } from '../../probe/recording/own.ts';
import type { Measured } from '../../reports/comparison/comparison.ts';
import { renderComparison } from '../../reports/comparison/page.ts';
import { comparisonTable } from '../../reports/comparison/terminal.ts';
import { UserError } from '../../user-error.ts';
import type { FaultName } from '../faults/names.ts';
import type { SoakContext, SoakResult, VariantResult } from '../scenario.ts';
import { comparisonOf, type OverloadRun } from './outcome.ts';
import { comparedOf, type OverloadPlan } from './plan.ts';
import { openLoadServer } from './server.ts';
import { Sizing } from './sizing.ts';
import { runVariant } from './variant.ts';

/** What was measured while the machine changed is measured so often in all, each time sized anew. */
const MOST_ATTEMPTS = 3;

export async function soakOverload(declared: OverloadPlan, context: SoakContext): Promise<SoakResult> {
  const { out, runs, onProgress, options } = context;
  const seed = numberOf('seed', options.seed ?? '1', 0, 2 ** 31 - 1);
  const fault = options.fault as FaultName;
  const sized = withSlots(declared, options.slots);
  onProgress('database', 0, 1, 'starting the database');
  const isOracle = options.database === 'oracle';
  if (isOracle && fault !== 'none') throw new UserError('--fault is for PostgreSQL, not for --database oracle.');
  const sizing = await Sizing.open({
    ...{ declared: sized, isFixed: sized !== declared },
    open: isOracle ? (await import('./oracle-server.ts')).openOracleLoadServer : openLoadServer,
    measuring: () => onProgress('measure', 0, 1, 'measuring the machine and its database'),
  });
  try {
    const soak = { context, sizing, seed, fault };
    const all: OverloadRun[] = [];
    let variants: VariantResult[] = [];
    const html = path.join(out, 'comparison.html');
    // after each run: what is there when somebody has seen enough counts too
    const write = () => {
      const comparison = comparisonOf(sizing.plan, {
        ...{ seed, runs: all, why: sizing.why, fault, server: sizing.server.words, sizing: sizing.words },
      });
      writeOwn(html, renderComparison(comparison));
      writeOwn(path.join(out, 'comparison.json'), `${JSON.stringify(comparison, null, 2)}\n`);
      return comparison;
    };
    for (let run = 1; run <= runs; run++) {
      const measured: Measured[] = [];
      const doubts: Record<string, string> = {};
      variants = [];
      for (const [comparison, names] of comparedOf(sizing.plan)) {
        const compared = await compare(names, run, soak);
        measured.push(...compared.measured);
        variants.push(...compared.variants);
        if (compared.doubt !== null) doubts[comparison] = compared.doubt;
      }
      all.push({ measured, doubts });
      write();
    }
    const comparison = write();
    return { variants, checks: comparison.claims, html, table: comparisonTable(comparison), outcome: comparison };
  } finally {
    await sizing.stop();
  }
}

interface Soak {
  context: SoakContext;
  sizing: Sizing;
  seed: number;
  fault: FaultName;
}

/** Variants that are compared: measured anew, all of them, where the machine did not stay the same meanwhile. */
async function compare(names: readonly string[], run: number, soak: Soak) {
  const { sizing } = soak;
  for (let attempt = 1; ; attempt++) {
    const said = sizing.words.length;
    const hopeless = await sizing.prepare(names);
    for (const sentence of [...sizing.words.slice(said), ...(attempt === 1 ? sizing.why : [])])
      process.stderr.write(`${sentence}\n`);
    const results = [];
    for (const name of names) results.push(await runOne(name, run, soak));
    const doubt = hopeless ?? (await sizing.doubt(names));
    if (doubt === null || hopeless !== null || attempt === MOST_ATTEMPTS) {
      return {
        measured: results.map(({ measured }) => measured),
        variants: results.map(({ result }) => result),
        doubt,
      };
    }
    const sentence = `The machine changed meanwhile: ${doubt}. ${names.join(', ')}: measured once more.`;
    sizing.words.push(sentence);
    process.stderr.write(`${sentence}\n`);
  }
}

async function runOne(name: string, run: number, { context, sizing, seed, fault }: Soak) {
  const { out, runs, signal, onProgress, options } = context;
  signal.throwIfAborted();
  const { plan, server } = sizing;
  const variant = plan.variants.find((one) => one.name === name)!;
  const folder = path.join(out, ...(runs > 1 ? [`run-${run}`] : []), name);
  const stage = runs > 1 ? `${name} ${run}/${runs}` : name;
  const measured = await runVariant(variant, {
    ...{ plan, server, folder, seed, library: options.pool as PoolLibrary, fault, signal },
    onProgress: (done, of, note) => onProgress(stage, done, of, note),
  });
  const { offered, done, lost, doubled } = measured.transactions;
  const result: VariantResult = { name, folder, work: { offered, done, lost, doubled }, ...writeReport(folder) };
  return { measured, result };
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
