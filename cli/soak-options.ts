/** What a soak may be told: which options there are depends on what is to be soaked. */
import { SCENARIOS } from '../scenarios/catalog.ts';
import type { Scenario } from '../scenarios/find.ts';
import { CLINIC_TOOLS } from '../soak/opinions/clinic/find.ts';
import { addressOf, bodyOf, headerOf, methodOf } from '../soak/service/targets.ts';
import { UserError } from '../user-error.ts';
import { listOf, milliseconds, wholeNumber } from './checks.ts';
import { DATABASE_URL } from './database.ts';
import { columnOf, helpOf, helpRow, type Option, type Options, type Values } from './options.ts';
import { FAIL_ON, OUT } from './output.ts';

const COMMON = {
  out: OUT,
  failOn: FAIL_ON,
  json: { help: "print report.json, or a scenario's outcome, on stdout" },
} as const satisfies Options;

const LOAD = {
  url: {
    value: 'URL',
    multiple: true,
    check: addressOf,
    help: 'what to request, on this machine only; a method may stand before it: "POST\u00a0http://127.0.0.1:3000/orders"',
  },
  method: { value: 'M', check: methodOf, help: 'for URLs without a method (default GET, POST with --body)' },
  header: { value: '"N: V"', multiple: true, check: headerOf, help: 'sent with each request' },
  body: { value: 'TEXT', check: bodyOf, help: 'or @FILE; not sent with GET and HEAD' },
  duration: {
    value: 'T',
    default: '60s',
    check: milliseconds(100),
    help: 'of the load, without warm-up and rests: 90, 90s, 5m',
  },
  rounds: { value: 'N', default: '6', check: wholeNumber(1, 1000), help: 'the load is given in so many parts' },
  warmup: { value: 'T', default: '3s', check: milliseconds(0), help: 'before the first round; 0 for none' },
  connections: { value: 'N', default: '20', check: wholeNumber(1, 10_000), help: 'requests under way at once' },
  rate: {
    value: 'N',
    check: wholeNumber(1, 1_000_000),
    help: 'requests per second at most (default: as fast as it goes)',
  },
  expect: {
    value: 'STATUS',
    check: listOf(wholeNumber(100, 599)),
    help: 'the statuses that are as they should be, all others fail: 200,404 (default: all below 400)',
  },
  wait: {
    value: 'T',
    default: '30s',
    check: milliseconds(100),
    help: 'how long the service may take until it listens',
  },
  script: {
    value: 'FILE',
    help: "a module whose default export makes the requests of a round, instead of --url's load",
  },
  snapshotMaxMb: {
    value: 'N',
    default: '150',
    check: wholeNumber(0, 4000),
    help: 'megabytes of heap up to which a snapshot tells who holds what; it stops the service for seconds. 0: none',
  },
  clinic: {
    value: 'TOOL',
    allowed: CLINIC_TOOLS,
    help: 'the same load once more under this tool of Clinic, where that is installed; the report has its page and finding',
  },
  failPath: {
    help:
      'no load: each query, connect and HTTP request that the service makes while the URLs are requested fails ' +
      'once, in turn; what then stays open is found, with a test that shows it',
  },
} as const satisfies Options;

const COMMAND = {
  command: { value: 'COMMAND', check: commandLine, help: 'one line for the shell' },
  times: { value: 'N', default: '10', check: wholeNumber(1, 10_000), help: 'how many runs' },
  limit: { value: 'T', default: '5m', check: milliseconds(100), help: 'how long one run may take' },
} as const satisfies Options;

const PROGRAM = {
  databaseUrl: DATABASE_URL,
  growth: {
    help: 'also find maps, sets and arrays that only grow, and races that pile up on one promise; the program is slower',
  },
} as const satisfies Options;

export const SERVICE = { ...LOAD, ...PROGRAM, ...COMMON };
export const JOB = { ...COMMAND, ...PROGRAM, ...COMMON };
export type ServiceOptions = Values<typeof SERVICE>;
export type JobOptions = Values<typeof JOB>;

/** Of any scenario: how many, and how many at least, each says. */
const RUNS = { value: 'N', help: 'runs of each variant' } as const satisfies Option;

export function optionsOf(scenario: Scenario) {
  const { runs, fewestRuns = 1 } = scenario;
  const check = wholeNumber(fewestRuns, 1000);
  return { runs: { ...RUNS, default: String(runs), check }, ...declaredBy(scenario), ...COMMON };
}
export type ScenarioOptions = Values<ReturnType<typeof optionsOf>>;

export function declaredBy({ options = {} }: Scenario): Options {
  const rows = Object.entries(options).map(([name, { help, fallback, allowed }]) => {
    return [name, { value: 'X', default: fallback, help, ...(allowed && { allowed }) }];
  });
  return Object.fromEntries(rows);
}

/** While it is not known what is to be soaked. */
export const EVERY: Options = { ...SERVICE, ...JOB, runs: RUNS, ...Object.assign({}, ...SCENARIOS.map(declaredBy)) };

const COLUMN = columnOf({ ...SERVICE, ...JOB });

export const HELP = `Usage: outlive soak [options] --url URL -- PROGRAM ARGS...
       outlive soak [options] --command "COMMAND" --times N
       outlive soak SCENARIO [options]

A service: starts PROGRAM with the probe preloaded, waits until it listens, warms it up, and then in rounds gives it
load, lets it settle, and judges what is still open. Stops it gently, and writes report.json and report.html.

${helpOf(LOAD, COLUMN)}

A job: runs COMMAND by the shell, N times one after the other, and reports which findings recur.

${helpOf(COMMAND, COLUMN)}

Of a service or a job:

${helpOf(PROGRAM, COLUMN)}

A scenario: a name from the list below, or the path of a file whose default export is a scenario. Replays an incident
with its fault and without; the fault must be found at its line, the fixed variant must be silent after the same work.
With --help behind its name, a scenario tells its own options too.

${helpOf({ runs: RUNS }, COLUMN)}

All of them:

${helpOf(COMMON, COLUMN)}

  outlive soak --url http://127.0.0.1:3000/orders -- node server.js
  outlive soak --url http://127.0.0.1:3000/orders --duration 5m --connections 50 -- npm start
  outlive soak --fail-path --url http://127.0.0.1:3000/orders -- node server.js
  outlive soak --command "node nightly.js" --times 20
  outlive soak connection-leak

Exit code: 0 clean, 1 findings (of a scenario: a claim that did not hold), 2 wrong use, or a soak that proves nothing,
130 interrupted; a program that fails by itself gives its own.

Scenarios:
${SCENARIOS.map(({ name, title }) => helpRow(`  ${name}`, title, 21)).join('\n')}
`;

export function helpAbout(scenario: Scenario): string {
  const { name, title, story } = scenario;
  const { runs } = optionsOf(scenario);
  return `\n${name}: ${title}\n\n${story}\n\n${helpOf({ runs, ...declaredBy(scenario) })}\n`;
}

function commandLine(text: string, option: string): string {
  if (text.trim() !== '') return text;
  throw new UserError(`${option} needs a command, such as "npm run job".`);
}
