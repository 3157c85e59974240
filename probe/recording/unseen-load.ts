/** What a soak did not get to see: rounds without answers, or that never were, and targets that never answered well. */
import type { Recording, Unseen } from './format.ts';
import { answersOf, grouped, type Load } from './load.ts';

/** In so many answers something is acquired, or the probe does not know what this service takes. */
const MANY_ANSWERS = 1000;
/** … and so many rounds show without it whether memory and handles rise. */
const ENOUGH_ROUNDS = 4;

export function unseenOfLoad(load: Load | null, recordings: readonly Recording[]): Unseen[] {
  // what was made to fail has an outcome of its own, see LoadFault
  if (load === null || load.kind === 'faults') return [];
  const rows = [...missingRounds(load), ...silentRounds(load), ...failedTargets(load)];
  return rows.length > 0 ? rows : nothingAcquired(load, recordings);
}

function missingRounds({ kind, planned, rounds }: Load): Unseen[] {
  const done = rounds.filter(({ round }) => round > 0).length;
  if (done >= planned) return [];
  const what = kind === 'commands' ? 'runs' : 'rounds';
  return [{ what, why: `Only ${done} of ${planned} ${what} took place.` }];
}

/** Numbers of rounds, for which something is said once. */
function silentRounds({ kind, rounds }: Load): Unseen[] {
  if (kind === 'commands') return [];
  const numbers = (of: Load['rounds']) => of.map(({ round }) => round || 'the warm-up').join(', ');
  const silent = rounds.filter(({ round, requests }) => kind === 'requests' && round > 0 && requests === 0);
  const unjudged = rounds.filter(({ round, open }) => round > 0 && open === null);
  return [
    ...(silent.length > 0 ? [{ what: `round ${numbers(silent)}`, why: 'No request was answered in it.' }] : []),
    ...(unjudged.length > 0
      ? [
          {
            what: `round ${numbers(unjudged)}`,
            why: 'It was not judged at rest: the service had ended, or its probe gave no answer.',
          },
        ]
      : []),
  ];
}

/** Silence of what failed must not be taken for health. */
function failedTargets({ kind, targets, rounds }: Load): Unseen[] {
  return targets.flatMap((what, index): Unseen[] => {
    const { answers, failed, list } = answersOf(rounds, index);
    if (answers === 0) return [{ what, why: 'It never answered: that it leaks nothing is not shown.' }];
    if (failed < answers) return [];
    const runs = kind === 'commands' ? 'runs' : 'answers';
    return [{ what, why: `All ${runs} of it failed (${list}): that it leaks nothing is not shown.` }];
  });
}

/** Where nothing was acquired, only what is left at rest can show health, and that over rounds enough. */
function nothingAcquired({ kind, rounds }: Load, recordings: readonly Recording[]): Unseen[] {
  const answers = kind === 'requests' ? rounds.reduce((total, { requests }) => total + requests, 0) : 0;
  // what a line made once was made when the service started: its server, a heartbeat
  const isAcquired = recordings.some(({ totals }) => totals.some(([, , , , acquired]) => acquired > 1));
  if (answers < MANY_ANSWERS || isAcquired || recordings.some(isJudgedAtRest)) return [];
  const why = `In ${grouped(answers)} answers the probe saw nothing being acquired, and ${ENOUGH_ROUNDS} rounds are the fewest that show whether memory and handles rise.`;
  return [{ what: 'what the requests take', why }];
}

/** Whether its rounds are enough to tell what rises. */
function isJudgedAtRest({ rounds }: Recording): boolean {
  return rounds.filter(({ round, isCollected }) => round > 0 && isCollected).length >= ENOUGH_ROUNDS;
}
