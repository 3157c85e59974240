/** The sizing as text. */
import { duration, number } from '../words.ts';
import type { Plan, Sizing } from './size.ts';
import { MODEL_WORDS } from './topology.ts';

export function renderSizing(sizing: Sizing): string {
  const blocks = [
    lawLines(sizing),
    pointLines(sizing),
    validationLines(sizing),
    topologyLines(sizing),
    regionLines(sizing),
  ];
  const advice = sizing.recommendation.length
    ? ['Recommendation', ...sizing.recommendation.map((each) => `  ${each}`)]
    : [];
  return `${[...blocks, footnote(sizing), advice, sizing.notes]
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function lawLines({ fit, doubts, peakDoubts }: Sizing): string[] {
  const lines: string[] = [];
  if (fit) {
    const { lambda, sigma, kappa } = fit.law;
    lines.push(
      'Throughput by the Universal Scalability Law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)):',
      `  λ = ${number(lambda)}/s, σ = ${sigma.toPrecision(2)}, κ = ${kappa.toPrecision(2)}`,
      `  error of the fit: ${inPercent(fit.error)}, at points left out of it ${inPercent(fit.leftOutError)}`,
    );
  }
  if (fit && doubts.length + peakDoubts.length === 0) {
    const [low, high] = fit.peakInterval ?? [0, 0];
    lines.push(
      `  peak: ${number(Math.round(fit.peak ?? 0))} connections (90 %: ${number(Math.round(low))} to ${number(Math.round(high))}), ${number(fit.peakThroughput ?? 0)}/s`,
      `  knee: ${number(fit.knee ?? 0)} connections; ${number(fit.enough ?? 0)} reach 95 % of the peak’s throughput`,
    );
  }
  for (const doubt of doubts) lines.push(`  Not usable: ${doubt}.`);
  for (const doubt of peakDoubts) lines.push(`  No peak to tell: ${doubt}.`);
  return lines;
}

function pointLines({ points }: Sizing): string[] {
  return table(
    ['connections', 'measured/s', 'law/s', 'error'],
    points.map(({ concurrency, throughput, fitted }) => [
      number(concurrency),
      number(throughput),
      fitted === null ? '–' : number(fitted),
      fitted === null ? '–' : inPercent(fitted / throughput - 1),
    ]),
  );
}

function validationLines({ validation }: Sizing): string[] {
  if (validation.length === 0) return [];
  return [
    'Simulation against runs that the law was not fitted to:',
    ...table(
      ['pools', 'lanes', 'connections', 'think', 'measured/s', 'simulated/s', 'error', 'p50', 'simulated'],
      validation.map(({ system, throughput, p50Ms, predicted, error }) => [
        number(system.pools),
        number(system.pools * system.lanesPerPool),
        number(system.pools * system.connectionsPerPool),
        duration(system.thinkMs),
        number(throughput),
        number(predicted.throughput),
        inPercent(error),
        duration(p50Ms),
        duration(predicted.p50Ms),
      ]),
    ),
  ];
}

function topologyLines({ topology, plans, limit, thinkMs }: Sizing): string[] {
  if (!topology) return [];
  const { regions, taskManagers, jobs, slots, operations, poolMax } = topology;
  const against = limit === null ? 'the server’s limit is not known' : `the server accepts ${number(limit)}`;
  const rows = plans.map((plan) => [
    MODEL_WORDS[plan.model],
    number(plan.pools),
    number(plan.atStart),
    number(plan.asked),
    number(plan.atPeak),
    ...outcomeCells(plan),
  ]);
  return [
    `${number(regions)} × ${number(taskManagers)} × ${number(jobs)} × ${number(slots)} (regions, processes, jobs, slots), ${number(operations)} at a time, think time ${duration(thinkMs)}, pools of at most ${number(poolMax)}; ${against}:`,
    ...table(['', 'pools', 'at start', 'asked at once', 'at peak', 'tx/s', 'p50', 'p99', 'wait'], rows),
  ];
}

function outcomeCells({ outcome, problem, isExtrapolated }: Plan): string[] {
  if (!outcome) return [problem ?? '–'];
  return [
    throughputCell(outcome.throughput, isExtrapolated),
    duration(outcome.p50Ms),
    duration(outcome.p99Ms),
    duration(outcome.waitMs),
  ];
}

function regionLines({ regions, plans }: Sizing): string[] {
  if (regions.length === 0) return [];
  const rows = regions.map(({ regions: count, plans: each }) => [
    number(count),
    ...each.map(({ atPeak, outcome, isExtrapolated }) =>
      outcome
        ? `${throughputCell(outcome.throughput, isExtrapolated)} with ${number(atPeak)}`
        : `– (${number(atPeak)})`,
    ),
  ]);
  return [
    'Simulated tx/s with connections at peak, by regions on the one server; –: refused or not simulated:',
    ...table(['regions', ...plans.map(({ model }) => model)], rows),
  ];
}

/** With a mark where the law speaks of more than was measured. */
function throughputCell(throughput: number, isExtrapolated: boolean): string {
  return `${number(Math.round(throughput))}${isExtrapolated ? '*' : ''}`;
}

function footnote({ plans, regions }: Sizing): string[] {
  const all = [...plans, ...regions.flatMap((row) => row.plans)];
  return all.some(({ isExtrapolated }) => isExtrapolated)
    ? ['* More connections were at work in the simulation than were measured: what the law says there is a guess.']
    : [];
}

function inPercent(share: number): string {
  return `${number(Math.round(1000 * share) / 10)} %`;
}

/** The first column is text where words stand in it. A row with fewer cells ends in a sentence, which may run over. */
function table(head: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => (row.length < head.length ? row.slice(0, -1) : row));
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const isText = rows.some(([first = '']) => /^[a-z]/i.test(first));
  const pad = (cell: string, i: number) =>
    i === 0 && isText ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0);
  return [head, ...rows].map((row) => `  ${row.map(pad).join('  ')}`.trimEnd());
}
