/** Whether it is of any use to go on: a service that no longer gives a good answer is not soaked to the end. */
import type { Given } from './load.ts';
import { nameOf, type Target } from './targets.ts';

/** Rounds without an answer and without an error: one may be too short for an answer, on a busy machine. */
const SILENT_ROUNDS = 2;

type Rounds = readonly Pick<Given, 'targets' | 'errors'>[];

/**
 * One sentence on why the soak ends here, or null. `first`: the number of the first of `rounds`, the warm-up is 0. As
 * long as one target of several gives good answers, it goes on.
 */
export function inVain(rounds: Rounds, targets: readonly Target[], first: number, isLast: boolean): string | null {
  const since = rounds.findLastIndex((round) => round.targets.some((count) => goodIn(count) > 0)) + 1;
  const tail = rounds.slice(since);
  if (tail.length === 0) return null;
  const isSilent = tail.every(
    ({ targets, errors }) => errors === 0 && targets.every((count) => answersIn(count) === 0),
  );
  if (isSilent && !isLast && tail.length < SILENT_ROUNDS) return null;
  const answers = answersOf(tail, targets);
  if (since === 0) {
    return `No request succeeded (${answers}), and a soak of failures proves nothing. If they are meant, say so with --expect STATUS.`;
  }
  const from = first + since === 0 ? 'the warm-up' : `round ${first + since}`;
  return `From ${from} on no request succeeded (${answers}): the service is dead or hangs, and the soak ended there.`;
}

/** `GET http://…/orders: 500 (12), 404 (3); GET http://…/refunds: no answer`. */
function answersOf(rounds: Rounds, targets: readonly Target[]): string {
  const lines = targets.map((target, index) => {
    const totals: Record<string, number> = {};
    for (const { statuses } of rounds.flatMap((round) => round.targets.filter((count) => count.target === index))) {
      for (const [status, count] of Object.entries(statuses)) totals[status] = (totals[status] ?? 0) + count;
    }
    const answers = Object.entries(totals).map(([status, count]) => `${status} (${count})`);
    return `${nameOf(target)}: ${answers.join(', ') || 'no answer'}`;
  });
  const more = lines.length - SHOWN;
  return [...lines.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Targets in a sentence. */
const SHOWN = 3;

type Count = Given['targets'][number];

function answersIn({ statuses }: Count): number {
  return Object.values(statuses).reduce((total, count) => total + count, 0);
}

function goodIn(count: Count): number {
  return answersIn(count) - count.failed;
}
