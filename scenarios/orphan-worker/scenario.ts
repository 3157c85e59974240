/** A thread for each job, and nobody who ends it. */
import { leakScenario, type RanVariant } from '../leak.ts';
import type { Check } from '../scenario.ts';

export const orphanWorker = leakScenario({
  name: 'orphan-worker',
  title: 'threads outlive the jobs that they were started for',
  story: `A task manager runs each job in a Worker. The job tells its result and is done; its thread has a timer that tells
how the job is, so it does not end by itself, and nobody ends it. No connection stays, no job fails. Each run leaves a
thread, with a V8 heap of its own.`,
  program: new URL('./program.js', import.meta.url),
  runs: 8,
  mustFind: [
    {
      ...{ kind: 'worker', library: 'Worker', certainty: 'likely' },
      ...{ file: new URL('./leaking.js', import.meta.url), call: 'new Worker(' },
    },
  ],
  mustUse: 'Worker',
  further: (leaking, fixed) => [threads(leaking, fixed)],
});

/** By the operating system's count, at rest after each run. */
function threads(leaking: RanVariant, fixed: RanVariant): Check {
  const risen = ({ recordings }: RanVariant) => {
    const rounds = recordings.find(({ process }) => process.thread === 0)?.rounds ?? [];
    return (rounds.at(-1)?.threads ?? 0) - (rounds[0]?.threads ?? 0);
  };
  const [before, after] = [risen(leaking), risen(fixed)];
  const runs = (leaking.work.runs ?? 0) - 1;
  return {
    passed: before >= runs && after <= 2,
    sentence: `the process had ${before} more threads after the last run than after the first, and ${after} more in the fixed variant`,
  };
}
