import { SCENARIOS } from '../scenarios/catalog.ts';
import { findScenario, type Scenario, wordOfScenario } from '../scenarios/find.ts';
import { UserError } from '../user-error.ts';
import { FAIL_ON } from './output.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, oneOf, parse, parsePositionals } from './usage.ts';

const HELP = `Usage: outlive soak [options] --url URL -- PROGRAM ARGS...
       outlive soak [options] --command "COMMAND" --times N
       outlive soak SCENARIO [options]

A service: starts PROGRAM with the probe preloaded, waits until it listens, warms it up, and then in rounds gives it
load, lets it settle, and judges what is still open. Stops it gently, and writes report.json and report.html.

      --url URL         what to request, on this machine only; may be repeated, and may begin with a method:
                        --url "POST http://127.0.0.1:3000/orders"
      --method M        for URLs without a method (default GET, POST with --body)
      --header "N: V"   may be repeated
      --body TEXT       or @FILE; not sent with GET and HEAD
      --duration T      of the load, without warm-up and rests: 90, 90s, 5m (default 60s)
      --rounds N        the load is given in so many parts (default 6)
      --warmup T        before the first round; 0 for none (default 3s)
      --connections N   requests under way at once (default 20)
      --rate N          requests per second at most (default: as fast as it goes)
      --expect STATUS   the statuses that are as they should be, all others fail: 200,404 (default: all below 400)
      --wait T          how long the service may take until it listens (default 30s)
      --script FILE     a module whose default export makes the requests of a round, instead of --url's load
      --fail-path       no load: each query, connect and HTTP request that the service makes while the URLs are
                        requested fails once, in turn; what then stays open is found, with a test that shows it

A job: runs COMMAND by the shell, N times one after the other, and reports which findings recur.

      --times N         runs (default 10)
      --limit T         how long one run may take (default 5m)

Of a service or a job:

      --database-url U  watch this database's own side too (or OUTLIVE_DATABASE_URL): postgres://USER:PASSWORD@HOST/NAME

A scenario: a name from the list below, or the path of a file whose default export is a scenario. Replays an incident
with its fault and without; the fault must be found at its line, the fixed variant must be silent after the same work.

      --runs N          runs of each variant

All of them:

      --out DIR         where to write (default .outlive/<time>-<pid>; .outlive/latest points to the newest)
      --fail-on LEVEL   proven, likely, suspect or never: exit with 1 on such findings (default likely)
      --json            print report.json, or a scenario's outcome, on stdout

  outlive soak --url http://127.0.0.1:3000/orders -- node server.js
  outlive soak --url http://127.0.0.1:3000/orders --duration 5m --connections 50 -- npm start
  outlive soak --fail-path --url http://127.0.0.1:3000/orders -- node server.js
  outlive soak --command "node nightly.js" --times 20
  outlive soak connection-leak

Exit code: 0 clean, 1 findings (of a scenario: a claim that did not hold), 2 wrong use, or a soak that proves nothing,
130 interrupted; a program that fails by itself gives its own.

Scenarios:
${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}
`;

const COMMON = {
  out: { type: 'string' },
  'fail-on': { type: 'string', default: 'likely' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const SERVICE = {
  url: { type: 'string', multiple: true },
  method: { type: 'string' },
  header: { type: 'string', multiple: true },
  body: { type: 'string' },
  duration: { type: 'string', default: '60s' },
  rounds: { type: 'string', default: '6' },
  warmup: { type: 'string', default: '3s' },
  connections: { type: 'string', default: '20' },
  rate: { type: 'string' },
  expect: { type: 'string' },
  wait: { type: 'string', default: '30s' },
  script: { type: 'string' },
  'fail-path': { type: 'boolean' },
  'database-url': { type: 'string', multiple: true },
} as const;

const COMMAND = {
  command: { type: 'string' },
  times: { type: 'string', default: '10' },
  limit: { type: 'string', default: '5m' },
  'database-url': { type: 'string', multiple: true },
} as const;

const SCENARIO = { runs: { type: 'string' } } as const;

export async function main(args: readonly string[]): Promise<number> {
  const separator = args.indexOf('--');
  const own = separator < 0 ? args : args.slice(0, separator);
  const program = separator < 0 ? [] : args.slice(separator + 1);
  // which flags there are depends on what is to be soaked
  const known = { ...COMMON, ...SERVICE, ...COMMAND, ...SCENARIO, ...flagsOf(SCENARIOS) };
  const asked = wordOfScenario(parsePositionals(own, known));
  const isAsked = (flag: string) => own.some((arg) => arg === `--${flag}` || arg.startsWith(`--${flag}=`));
  if (asked === undefined && isAsked('command')) return command(own, program);
  if (asked === undefined && (isAsked('url') || isAsked('script') || program.length > 0)) return service(own, program);
  return scenario(asked, own, program);
}

async function service(own: readonly string[], program: readonly string[]): Promise<number> {
  const { values } = parse('soak', own, { ...COMMON, ...SERVICE });
  if (values.help) return help();
  const failOn = oneOf('fail-on', values['fail-on'], FAIL_ON);
  const { soakProgram } = await import('./soak-program.ts');
  return soakProgram(
    { ...values, failPath: values['fail-path'] === true, databaseUrl: values['database-url'], failOn },
    program,
  );
}

async function command(own: readonly string[], program: readonly string[]): Promise<number> {
  const { values } = parse('soak', own, { ...COMMON, ...COMMAND });
  if (values.help) return help();
  if (program.length > 0) throw new UserError('outlive soak takes either --command or a program after --, not both.');
  const failOn = oneOf('fail-on', values['fail-on'], FAIL_ON);
  const { soakJob } = await import('./soak-program.ts');
  return soakJob({ ...values, databaseUrl: values['database-url'], failOn });
}

async function scenario(asked: string | undefined, own: readonly string[], program: readonly string[]) {
  const found = asked === undefined ? undefined : await findScenario(asked);
  const { values, positionals } = parse('soak', own, { ...COMMON, ...SCENARIO, ...flagsOf(found ? [found] : []) });
  if (values.help) return help(found);
  const failOn = oneOf('fail-on', values['fail-on'], FAIL_ON);
  if (!found) {
    const names = SCENARIOS.map(({ name }) => name).join(', ');
    throw new UserError(`outlive soak needs --url and a program after --, or --command, or a scenario: ${names}.`);
  }
  if (positionals[1] !== undefined) {
    throw new UserError(`outlive soak takes one scenario at a time, not also "${positionals[1]}".`);
  }
  if (program.length > 0) throw new UserError('A scenario brings its own program: nothing goes after --.');
  const { soak } = await import('./soak-scenario.ts');
  const code = await soak(found, values);
  return failOn === 'never' && code === EXIT_FINDINGS ? EXIT_CLEAN : code;
}

function help(scenario?: Scenario): number {
  process.stdout.write(scenario ? HELP + helpOf(scenario) : HELP);
  return EXIT_CLEAN;
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
