/**
 * The Universal Scalability Law: X(N) = λN / (1 + σ(N − 1) + κN(N − 1)).
 *
 * N is the number of connections at work, X the throughput; λ is what one of them does alone, σ the share of work that
 * is serial (contention), κ what each pair costs to agree (coherency). N. J. Gunther, "A Simple Capacity Model of
 * Massively Parallel Transaction Systems", CMG 1993; Guerrilla Capacity Planning, Springer 2007, ch. 4–6. The peak is at
 * N* = √((1 − σ)/κ). The knee is where the straight line of the first connections reaches the peak's throughput, N =
 * X(N*)/λ (asymptotic bounds: Denning & Buzen, ACM Computing Surveys 10, 1978): beyond it, waiting grows faster than work.
 */
import { levenbergMarquardt } from 'ml-levenberg-marquardt';
import { generator } from '../database/correlation.ts';

/** One measured level of a sweep. */
export interface Point {
  concurrency: number;
  /** Transactions per second. */
  throughput: number;
}

export interface Law {
  lambda: number;
  sigma: number;
  kappa: number;
}

export interface Fit {
  law: Law;
  /** Root mean square of the relative errors at the points, as a share. */
  error: number;
  /** The same at each point when it is left out of the fit: what the law is worth between and beyond the points. */
  leftOutError: number;
  /** Connections at the peak; null where the law has none. */
  peak: number | null;
  peakThroughput: number | null;
  /** 90 % of the fits to resampled residuals have their peak in here; null: at least 5 % have no peak to tell. */
  peakInterval: readonly [low: number, high: number] | null;
  knee: number | null;
  /** The fewest connections that reach 95 % of the peak's throughput. */
  enough: number | null;
}

export interface FitResult {
  fit: Fit | null;
  /** Why nothing should be read off it; empty when it is usable. */
  doubts: string[];
  /** Why no peak, knee and recommendation should be, though it may serve between the points; empty: they may. */
  peakDoubts: string[];
}

/** Fewer levels fit any law. */
export const FEWEST_LEVELS = 5;
/** Beyond this error the points do not follow the law. */
const WORST_ERROR = 0.15;
const RESAMPLES = 300;
const ENOUGH = 0.95;
/** The normal distribution's 95 % quantile. */
const Z95 = 1.645;
/** A peak so far beyond the last measured level is a guess. */
const BEYOND = 1.5;

export function throughputAt({ lambda, sigma, kappa }: Law, n: number): number {
  return (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));
}

/** Fits by least squares of the relative error. Never throws: what is wrong with the points is among the doubts. */
export function fitLaw(points: readonly Point[], seed = 1): FitResult {
  const levels = new Set(points.map(({ concurrency }) => concurrency));
  if (levels.size < FEWEST_LEVELS) {
    const doubt = `it takes at least ${FEWEST_LEVELS} levels of concurrency, there are ${levels.size}`;
    return { fit: null, doubts: [doubt], peakDoubts: [] };
  }
  const law = lawOf(points);
  const errors = points.map((point) => relativeError(law, point));
  const most = Math.max(...levels);
  const peak = peakOf(law);
  const peakThroughput = peak && throughputAt(law, peak);
  const peakInterval = peak === null ? null : intervalOf(points, law, seed);
  const fit: Fit = {
    law,
    error: rootMeanSquare(errors),
    leftOutError: rootMeanSquare(
      points.map((point) =>
        relativeError(
          lawOf(
            points.filter((other) => other !== point),
            law,
          ),
          point,
        ),
      ),
    ),
    peak,
    peakThroughput,
    peakInterval,
    knee: peakThroughput && Math.max(1, peakThroughput / law.lambda),
    enough: peak && peakThroughput && fewestFor(law, peak, ENOUGH * peakThroughput),
  };
  const doubts: string[] = [];
  const peakDoubts: string[] = [];
  if (fit.error > WORST_ERROR) doubts.push(`the points do not follow the law: its error is ${share(fit.error)}`);
  if (peak === null || peak > BEYOND * most) {
    peakDoubts.push(`throughput still rises at ${most} connections, the most that were measured: measure more`);
  } else if (peakInterval === null) {
    peakDoubts.push('the curve is too flat or too noisy to tell its peak: measure longer, or more levels');
  }
  return { fit, doubts, peakDoubts };
}

/** Where the search for a law begins: serial and coherency times, as multiples of the time alone, at the most connections. */
const STARTS: readonly (readonly [serial: number, coherency: number])[] = [
  [0.5, 0.5],
  [5, 1],
  [1, 5],
  [0.05, 0.05],
];
/** Of the search; less from a law that is nearly right. */
const ITERATIONS = { fromAfar: 150, fromNear: 25 };

/**
 * Least squares of the relative error, so that slow levels count as much as fast ones: fitted is log X. The parameters
 * are times (N/X is linear in them), scaled so that all are of one size. `near`: a law to begin from.
 */
function lawOf(points: readonly Point[], near?: Law): Law {
  const x = points.map(({ concurrency }) => concurrency);
  const y = points.map(({ throughput }) => Math.log(throughput));
  const most = Math.max(...x);
  const alone = points.reduce((best, { concurrency, throughput }) => Math.max(best, throughput / concurrency), 0);
  const time = ([a = 1, b = 0, c = 0]: number[], n: number) =>
    Math.max(1e-9, a + (b * (n - 1)) / most + (c * n * (n - 1)) / (most * most));
  const a = near ? alone / near.lambda : 1;
  const starts = near ? [[near.sigma * most * a, near.kappa * most * most * a] as const] : STARTS;
  let best: { parameters: number[]; error: number } | null = null;
  for (const [serial, coherency] of starts) {
    const { parameterValues, parameterError } = levenbergMarquardt(
      { x, y },
      (parameters) => (n) => Math.log((alone * n) / time(parameters, n)),
      {
        initialValues: [a, serial, coherency],
        minValues: [1e-3, 0, 0],
        jacobianFunction: (parameters) => (n) => {
          const inverse = -1 / time(parameters, n);
          return [inverse, (inverse * (n - 1)) / most, (inverse * n * (n - 1)) / (most * most)];
        },
        damping: 0.01,
        maxIterations: near ? ITERATIONS.fromNear : ITERATIONS.fromAfar,
        errorTolerance: 1e-14,
      },
    );
    if (best === null || parameterError < best.error) best = { parameters: parameterValues, error: parameterError };
  }
  const [alpha = 1, b = 0, c = 0] = best?.parameters ?? [];
  return { lambda: alone / alpha, sigma: b / most / alpha, kappa: c / (most * most) / alpha };
}

function peakOf({ sigma, kappa }: Law): number | null {
  return kappa <= 0 || sigma >= 1 ? null : Math.max(1, Math.sqrt((1 - sigma) / kappa));
}

/** Residual bootstrap (Efron, Ann. Statist. 7, 1979): the fitted curve with its errors dealt anew, fitted again. */
function intervalOf(points: readonly Point[], law: Law, seed: number): Fit['peakInterval'] {
  const random = generator(seed);
  // a fit follows its points, and few points know their own spread badly (Student's t against the normal, expanded)
  const freedom = Math.max(1, points.length - 3);
  const inflation = Math.sqrt(points.length / freedom) * (1 + (Z95 * Z95 + 1) / (4 * freedom));
  const errors = points.map(({ concurrency, throughput }) => Math.log(throughput / throughputAt(law, concurrency)));
  const peaks: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const again = points.map(({ concurrency }) => {
      const error = errors[Math.floor(random() * errors.length)] as number;
      return { concurrency, throughput: throughputAt(law, concurrency) * Math.exp(error * inflation) };
    });
    const peak = peakOf(lawOf(again, law));
    if (peak !== null) peaks.push(peak);
  }
  if (peaks.length < 0.95 * RESAMPLES) return null;
  peaks.sort((a, b) => a - b);
  const at = (quantile: number) => peaks[Math.floor(quantile * (peaks.length - 1))] as number;
  return [at(0.05), at(0.95)];
}

function fewestFor(law: Law, peak: number, throughput: number): number {
  for (let n = 1; n < peak; n++) if (throughputAt(law, n) >= throughput) return n;
  return Math.ceil(peak);
}

function relativeError(law: Law, { concurrency, throughput }: Point): number {
  return throughputAt(law, concurrency) / throughput - 1;
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function share(value: number): string {
  return `${Math.round(100 * value)} %`;
}
