/** The first incident: what a job leaves open keeps all that it loaded, until no further job can be loaded. */
import { leakScenario, type RanVariant } from '../leak.ts';
import type { Check } from '../scenario.ts';
import { FIXED_RUNS, PLACES, SEEDS, SMALL_HEAP } from './runs.ts';

/** Of runs, how far the forecast may be off. */
const MOST_ERROR = 0.2;
/** The finding and the forecast must be there by then. */
const EARLY = 3;
/** Of the native contexts that came: more of them stay in the leaking variant, fewer in the fixed one. */
const MOST_STAY = 0.6;

export const generationLeak = leakScenario({
  name: 'generation-leak',
  title:
    'jobs leave a connection borrowed, and with it all the job manager loaded for them, until no job can be loaded',
  story: `A bounded job is submitted again and again. The job manager loads its code in a native context of its own to plan
it. The plan borrows a connection for each tenant, and does not return it for a tenant without an owner; so the job's
pool is never drained, and the timer by which the pool looks after its connections holds the context and all that the
job loaded. Every run looks fine. After some of them the job manager refuses each further job, out of memory, while jobs
that run, requests and the database look as they always did.`,
  conclusion: 'the line is named and the end foreseen by run 3, and the fixed job manager goes on',
  program: new URL('./program.js', import.meta.url),
  execArgv: SMALL_HEAP,
  options: {
    in: {
      help: 'where the code of each submission is loaded: as it was, in a task manager, or in a thread of one',
      fallback: 'job-manager',
      allowed: PLACES,
    },
    seed: { help: 'another size of what a job brings along', fallback: '1', allowed: SEEDS },
  },
  runs: 6,
  lookAt: EARLY,
  mustFind: [
    {
      ...{ kind: 'connection', library: 'generic-pool', certainty: 'likely' },
      ...{ file: new URL('./leaking.cjs', import.meta.url), call: 'await pool.acquire()' },
    },
  ],
  comesWith: [
    // the job's own pool, and the native context that all of this is in
    {
      ...{ kind: 'connection', library: 'generic-pool pool', certainty: 'suspect' },
      ...{ file: new URL('./job.cjs', import.meta.url), call: 'createPool)({ create' },
    },
    {
      ...{ kind: 'context', library: 'node:vm', certainty: 'suspect' },
      ...{
        file: new URL('../../pipeline/cluster/planning/module-context.js', import.meta.url),
        call: 'createContext(given',
      },
    },
  ],
  mustUse: 'generic-pool',
  claims: ({ in: place }) => ({ mustEndWith: [place === 'worker' ? 'ERR_WORKER_OUT_OF_MEMORY' : 'out-of-memory'] }),
  further: (leaking, fixed) => [
    foundEarly(leaking),
    chained(leaking),
    foreseen(leaking),
    goesOn(leaking, fixed),
    falls(leaking, fixed),
  ],
});

function foundEarly({ recordings }: RanVariant): Check {
  const rounds = recordings.flatMap(({ process, rounds }) =>
    rounds.map(({ round, at }) => ({ round, time: process.startedMs + at })),
  );
  const found = recordings.flatMap(({ process, findings }) =>
    [...findings.values()].map(({ at }) => process.startedMs + at),
  );
  const first = Math.min(...found);
  const round = rounds.find(({ time }) => time >= first)?.round ?? Number.POSITIVE_INFINITY;
  return { passed: round <= EARLY, sentence: `leaking: the first finding was there by run ${round}` };
}

/** Who holds the native contexts, by the heap snapshot. */
function chained({ recordings, unwritten }: RanVariant): Check {
  const held = recordings.flatMap(({ reach }) => reach?.lines ?? []).flatMap((line) => line.held);
  // by the pool's timer, or by the driver's socket, whichever is the shorter way
  const chain = held.find((words) =>
    /(timer at Pool\.js:\d+ → Pool|Connection → .*Client) .* at job\.cjs:\d+$/.test(words),
  );
  if (chain !== undefined) {
    const sentence = `leaking: the connection keeps its pool from being drained, and so, by the snapshot after run ${EARLY}, ${chain} → native context`;
    return { passed: true, sentence };
  }
  const sentence = `leaking: no snapshot shows what holds the native contexts`;
  if (unwritten.length === 0) return { passed: false, sentence: `${sentence} (${held.join('; ')})` };
  return {
    passed: false,
    isInconclusive: true,
    sentence: `${sentence}, as not all were written: ${unwritten.join(' ')}`,
  };
}

function foreseen({ recordings, errors }: RanVariant): Check {
  const forecast = recordings.flatMap(({ forecast }) => forecast ?? [])[0];
  const refused = errors[0]?.run;
  if (!forecast || refused === undefined) {
    const missing = forecast ? 'no submission was refused' : 'no refusal was foreseen';
    return { passed: false, sentence: `leaking: ${missing}` };
  }
  const error = Math.abs(forecast.fullAt - refused) / refused;
  return {
    passed: forecast.round <= EARLY && error <= MOST_ERROR,
    sentence: `leaking: run ${forecast.fullAt} was foreseen after run ${forecast.round} as the first that is refused; it was run ${refused} (off by ${Math.round(100 * error)} %)`,
  };
}

function goesOn({ errors }: RanVariant, { figures }: RanVariant): Check {
  const [planned, refused] = [figures?.planned ?? 0, errors[0]?.run ?? FIXED_RUNS];
  return {
    passed: planned >= 3 * (refused - 1),
    sentence: `fixed: ${planned} jobs were planned, against ${refused - 1} before the refusal`,
  };
}

/** Contexts may rise while jobs run, as long as collections take them away again. */
function falls(leaking: RanVariant, fixed: RanVariant): Check {
  const [before, after] = [contextsOf(leaking), contextsOf(fixed)];
  return {
    passed: before.left >= MOST_STAY && after.left < MOST_STAY,
    sentence: `of the native contexts that came, ${percent(before.left)} stayed in the leaking variant (${before.most} in the end), and ${percent(after.left)} in the fixed one, where collections took the others (${after.most} at most)`,
  };
}

/** By the samples of the thread that has most; `left`: of those that came, the share that no collection took. */
function contextsOf({ recordings }: RanVariant): { most: number; left: number } {
  const [values = []] = recordings
    .map(({ samples }) => samples.map(({ nativeContexts }) => nativeContexts))
    .sort((one, other) => Math.max(0, ...other) - Math.max(0, ...one));
  const steps = values.slice(1).map((value, i) => value - (values[i] as number));
  const sum = (sign: 1 | -1) => steps.reduce((total, step) => total + Math.max(0, sign * step), 0);
  return { most: Math.max(...values), left: 1 - sum(-1) / Math.max(1, sum(1)) };
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
