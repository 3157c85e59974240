/** `npm run mutate:guards`: makes leaks in clean suites of tests, and says which tests fail by them. */
import { optionsFrom } from '../../../pipeline/options.ts';
import { UserError } from '../../../user-error.ts';
import { chosenOf, done } from '../arguments.ts';
import { type Mutant, mutantsOf } from '../mutate.ts';
import { complaints, type ProgramResult, resultOf, share, table, totalsOf } from '../results.ts';
import { installLibraries, startServers } from '../servers.ts';
import { type Observed, programs, ROOT, Workbench } from '../workbench.ts';
import { RUNNERS } from './runners.ts';
import { type Suite, type Told, tell } from './suites.ts';

const HELP = `Usage: npm run mutate:guards -- [options]

Each clean program of \`npm run mutate\` is a test, which runs at once with another program's. Takes one call that gives
something back out of it at a time: its test must fail with the acquiring line, and the other must not.

      --runner NAME     one of ${Object.keys(RUNNERS).join(', ')}; may be repeated
      --only PROGRAM    may be repeated
      --rounds N        how often the untouched suites are run (default 10)
      --no-mutants      nothing but these
      --json            everything on stdout

Exit code: 0 when 98 % of the leaking mutants fail their test with the exact line, no other line is told, no other test
fails, and the untouched suites pass each time; else 1; 2 wrong use.
`;
/** Of mutants that leak, this share must fail their test with the exact line. */
const REQUIRED = 0.98;
/** Workers keep the pools of all suites that they have run. */
const MOST_CONNECTIONS = 1500;
/** Programs at once, when asked for the truth. */
const LANES = 6;

const values = await done('mutate:guards', () =>
  optionsFrom(process.argv.slice(2), {
    runner: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string', default: '10' },
    'no-mutants': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  }),
);
const makesMutants = !values['no-mutants'];
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const all = programs().filter(({ isForGuards }) => isForGuards);
const rounds = Number(values.rounds);
const { chosen, runners } = await done('mutate:guards', () => {
  if (!Number.isInteger(rounds) || rounds < 0) {
    throw new UserError(`--rounds must be a whole number, not "${values.rounds}".`);
  }
  const known = Object.keys(RUNNERS).map((name) => ({ name }));
  return { chosen: chosenOf(all, values.only, 'program'), runners: chosenOf(known, values.runner, 'runner') };
});
const suites: Suite[] = chosen.flatMap((program) => {
  const innocent = all[(all.indexOf(program) + 1) % all.length] as Suite['program'];
  const mutants = [null, ...(makesMutants ? mutantsOf(program.files) : [])];
  return mutants.map((mutant) => ({ program, mutant, innocent, hangs: false }));
});
installLibraries();
const needed = suites.flatMap(({ program, innocent }) => [...program.servers, ...innocent.servers]);
const servers = await done('mutate:guards', () => startServers(needed, { maxConnections: MOST_CONNECTIONS }));
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
try {
  const truths = makesMutants ? await truthOf(suites) : [];
  for (const [index, { isCutOff }] of truths.entries()) suites[index]!.hangs = isCutOff;
  for (const { name: runner } of runners) {
    if (makesMutants) {
      const told = await tell(runner, suites, servers.env, ended.signal);
      const observed = suites.map((_, index) => {
        return { truth: truths[index]!, ...heeded(told[index]!, suites[index]!) };
      });
      report(runner, resultsOf(observed));
    }
    await untouched(runner);
  }
} catch (error) {
  if (!ended.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  await servers.stop();
}

/** Alone, without a guard: how much is out in the end. */
async function truthOf(list: readonly Suite[]) {
  using bench = new Workbench({ register: `${ROOT}/dist/probe/register.js`, env: servers.env });
  ended.signal.addEventListener('abort', () => bench[Symbol.dispose](), { once: true });
  const truths: Awaited<ReturnType<Workbench['truth']>>[] = [];
  const queue = list.entries();
  const lane = async () => {
    for (const [index, { program, mutant }] of queue) truths[index] = await bench.truth(program, mutant);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return truths;
}

/** What a test holds that is ended while it works is nobody's leak. */
function heeded({ isCutOff, ...told }: Told, { hangs }: Suite): Omit<Told, 'isCutOff'> {
  return isCutOff && !hangs ? { found: [], problem: 'ended at its limit: the machine is too busy' } : told;
}

function resultsOf(observed: Observed[]): ProgramResult[] {
  return chosen.map((program) => {
    const own = suites.flatMap((suite, index) => (suite.program === program ? [index] : []));
    const untouched = observed[own[0]!]!;
    const mutants = own.slice(1).map((index) => {
      const mutant = suites[index]!.mutant as Mutant;
      return resultOf(mutant, withoutWaiting(observed[index]!, mutant), untouched);
    });
    return { name: program.name, untouched, mutants };
  });
}

/** A test that hangs for the leak holds other things while it waits: those are open as well, and rightly told. */
function withoutWaiting(observed: Observed, { expected }: Mutant): Observed {
  const right = observed.found.filter(({ place }) => expected.includes(place));
  return observed.truth.isCutOff && right.length > 0 ? { ...observed, found: right } : observed;
}

function report(runner: string, results: ProgramResult[]): void {
  if (values.json) process.stdout.write(`${JSON.stringify({ runner, programs: results })}\n`);
  const totals = totalsOf(results);
  process.stdout.write(`\n${runner}\n\n${table(results)}\n${share(totals)}\n`);
  for (const sentence of complaints(results)) process.stdout.write(`- ${sentence}\n`);
  const isSilent = totals.falseFindings === 0 && totals.noisy === 0 && totals.problems === 0;
  if (!isSilent || totals.exact < REQUIRED * (totals.mutants - totals.equivalent)) process.exitCode = 1;
}

async function untouched(runner: string): Promise<void> {
  const clean = suites.filter(({ mutant }) => mutant === null);
  for (let round = 1; round <= rounds; round++) {
    const told = (await tell(runner, clean, servers.env, ended.signal)).map((each, index) =>
      heeded(each, clean[index]!),
    );
    const loud = told.flatMap(({ found, problem }, index) => {
      return found.length > 0 || problem ? [`${clean[index]!.program.name}: ${problem ?? JSON.stringify(found)}`] : [];
    });
    process.stdout.write(`untouched, round ${round}: ${loud.length === 0 ? 'all pass' : loud.join('; ')}\n`);
    if (loud.length > 0) process.exitCode = 1;
  }
}
