/** Which application metric moved with which of the database's, in a sentence each. */
import type { DatabaseRecording } from '../../probe/recording/database.ts';
import type { Association, DatabaseReport } from '../../probe/recording/database-report.ts';
import type { Recording } from '../../probe/recording/format.ts';
import { number } from '../words.ts';
import { type Movement, movements } from './correlation.ts';
import { applicationMetrics, clockOf, databaseMetrics, type Metric } from './series.ts';

/** Less cannot be told from chance after so many comparisons. */
const FEWEST_STEPS = 120;
const MAX_LAG_STEPS = 5;
/** Said are only those that are this strong, and this unlikely by chance after all comparisons. */
export const STRENGTH = 0.5;
export const SIGNIFICANCE = 0.01;
/** Of each of the database's metrics the strongest few: the others move with them. */
const PER_METRIC = 2;
const MAX_ASSOCIATIONS = 10;

export function associationsOf(
  database: DatabaseRecording,
  recordings: readonly Recording[],
): Pick<DatabaseReport, 'associations' | 'associationsUnknown'> {
  const clock = clockOf(database, recordings);
  if (!clock || clock.steps < FEWEST_STEPS) {
    const seen = clock?.steps ?? 0;
    return {
      associations: [],
      associationsUnknown: `the application and the database were seen together at ${seen} moments; it takes ${FEWEST_STEPS}`,
    };
  }
  const found = associate(applicationMetrics(recordings, clock), databaseMetrics(database, clock), clock.stepMs);
  return { associations: found, associationsUnknown: null };
}

/** Strongest first. Series are compared only with those of the other side. */
export function associate(application: readonly Metric[], database: readonly Metric[], stepMs: number): Association[] {
  const pairs = application.flatMap((ours) => database.map((theirs) => ({ ours, theirs })));
  const series = pairs.map(({ ours, theirs }) => ({ first: ours.values, second: theirs.values }));
  const moved = movements(series, MAX_LAG_STEPS);
  const compared = moved.filter((movement) => movement !== null).length;
  const strong = pairs
    .flatMap((pair, i) => {
      const movement = moved[i];
      const isTold = movement && movement.p <= SIGNIFICANCE && Math.abs(movement.strength) >= STRENGTH;
      return isTold ? [{ ...pair, movement }] : [];
    })
    .sort((a, b) => Math.abs(b.movement.strength) - Math.abs(a.movement.strength));
  const told = new Map<Metric, number>();
  return strong
    .filter(({ theirs }) => {
      told.set(theirs, (told.get(theirs) ?? 0) + 1);
      return (told.get(theirs) as number) <= PER_METRIC;
    })
    .slice(0, MAX_ASSOCIATIONS)
    .map(({ ours, theirs, movement }) => associationOf(ours.name, theirs.name, movement, stepMs, compared));
}

function associationOf(
  application: string,
  database: string,
  { lag, strength, p, samples }: Movement,
  stepMs: number,
  comparisons: number,
): Association {
  const seconds = (Math.abs(lag) * stepMs) / 1000;
  // both sides are seen once in a step, not at the same instant
  const when =
    Math.abs(lag) <= 1
      ? `at the same time, to ${number(stepMs / 1000)} s`
      : `the database ${number(seconds)} s ${lag > 0 ? 'later' : 'earlier'}`;
  const way = strength > 0 ? 'together' : 'in opposite ways';
  const sentence = `The application’s ${application} and the database’s ${database} moved ${way}, ${when}: rank correlation ${strength.toFixed(2)} over ${number(samples)} moments, p ${p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`} after ${number(comparisons)} comparisons.`;
  return {
    application,
    database,
    lag: (lag * stepMs) / 1000,
    strength: Math.round(strength * 1000) / 1000,
    p,
    samples,
    sentence,
  };
}
