import { SCENARIOS } from '../scenarios/catalog.ts';
import { findScenario, type Scenario, wordOfScenario } from '../scenarios/find.ts';
import { FAIL_ON } from './output.ts';
import { soak } from './soak-scenario.ts';
import { EXIT_CLEAN, oneOf, parse, parsePositionals, UsageError } from './usage.ts';

const HELP = `Usage: outlive soak SCENARIO [options]

Replays an incident, once with its fault and once without: what is wrong must be found at its line, the fixed variant
must be silent after the same work. SCENARIO is a name from the list below, or the path of a file whose default export
is a scenario (see docs/write-a-scenario.md).

      --runs N      runs of each variant
      --out DIR     where to write (default .outlive/<time>-<pid>)
      --fail-on X   never: exit with 0 whatever came out
      --json        print the outcome on stdout

  outlive soak connection-leak
  outlive soak ./orders.scenario.ts

Uses the database in DATABASE_URL, or starts a private PostgreSQL and removes it afterwards.
Exit code: 0 all claims held, 1 one did not, 2 wrong use, 130 interrupted.

Scenarios:
${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}
`;

const OPTIONS = {
  runs: { type: 'string' },
  out: { type: 'string' },
  'fail-on': { type: 'string', default: 'likely' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export async function main(args: readonly string[]): Promise<number> {
  // which flags there are depends on the scenario
  const asked = wordOfScenario(parsePositionals(args, { ...OPTIONS, ...flagsOf(SCENARIOS) }));
  const scenario = asked === undefined ? undefined : await findScenario(asked);
  const { values, positionals } = parse('soak', args, { ...OPTIONS, ...flagsOf(scenario ? [scenario] : []) });
  if (values.help) {
    process.stdout.write(scenario ? HELP + helpOf(scenario) : HELP);
    return EXIT_CLEAN;
  }
  const failOn = oneOf('fail-on', values['fail-on'], FAIL_ON);
  if (!scenario) {
    throw new UsageError(`outlive soak needs the name of a scenario: ${SCENARIOS.map(({ name }) => name).join(', ')}.`);
  }
  if (positionals[1] !== undefined) {
    throw new UsageError(`outlive soak takes one scenario at a time, not also "${positionals[1]}".`);
  }
  const code = await soak(scenario, values);
  return failOn === 'never' && code === 1 ? EXIT_CLEAN : code;
}

/** The scenarios' own flags, for `parseArgs`. */
function flagsOf(scenarios: readonly Scenario[]): Record<string, { type: 'string' }> {
  const names = scenarios.flatMap(({ options = {} }) => Object.keys(options));
  return Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
}

function helpOf({ name, title, story, runs, options = {} }: Scenario): string {
  const flags = Object.entries(options).map(([flag, { help, fallback, allowed }]) => {
    const values = allowed ? ` (${allowed.join(', ')}; default ${fallback})` : ` (default ${fallback})`;
    return `      --${flag} X  ${help}${values}\n`;
  });
  return `\n${name}: ${title}\n\n${story}\n\n      --runs N (default ${runs})\n${flags.join('')}`;
}
