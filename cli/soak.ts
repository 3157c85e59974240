import path from 'node:path';
import { newRunFolder } from '../probe/folder.ts';
import { SCENARIOS } from '../scenarios/catalog.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { type SoakResult, soakScenario } from '../scenarios/soak.ts';
import { FAIL_ON, printSummary, shortPath, writeHtml } from './output.ts';
import { Progress } from './progress.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, oneOf, parse, UsageError } from './usage.ts';

const HELP = `Usage: outlive soak SCENARIO [options]

Replays a known incident on the reference pipeline and a real PostgreSQL: once leaking, once fixed. The leak must be
found at its line, the fixed variant must be silent after the same work.

      --runs N      job runs per variant
      --out DIR     where to write (default .outlive/<time>-<pid>)
      --fail-on X   never: exit with 0 whatever came out
      --json        print the outcome on stdout

  outlive soak connection-leak

Uses the database in DATABASE_URL, or starts a private PostgreSQL and removes it afterwards.
Exit code: 0 all claims held, 1 one did not, 2 wrong use, 130 interrupted.

Scenarios:
${SCENARIOS.map(({ name, title }) => `  ${name.padEnd(18)} ${title}`).join('\n')}
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse('soak', args, {
    runs: { type: 'string' },
    out: { type: 'string' },
    'fail-on': { type: 'string', default: 'likely' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT_CLEAN;
  }
  const failOn = oneOf('fail-on', values['fail-on'], FAIL_ON);
  const scenario = scenarioOf(positionals);
  const runs = values.runs === undefined ? scenario.runs : wholeNumber('runs', values.runs, 3, 1000);
  const out = path.resolve(values.out ?? newRunFolder());

  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new Progress(process.stderr);
  try {
    const result = await soakScenario(scenario, {
      out,
      runs,
      signal: stopping.signal,
      onProgress: (stage, run, of, note) => progress.show(stage, run, of, note),
    });
    progress.end();
    const code = conclude(scenario, result, values.json === true);
    return failOn === 'never' ? EXIT_CLEAN : code;
  } catch (error) {
    progress.end();
    if (!stopping.signal.aborted) throw error;
    process.stderr.write('Interrupted; the database is stopped and removed.\n');
    return 130;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

function scenarioOf([name, ...others]: readonly string[]): Scenario {
  const names = SCENARIOS.map((scenario) => scenario.name).join(', ');
  if (name === undefined) throw new UsageError(`outlive soak needs the name of a scenario: ${names}.`);
  if (others.length > 0) throw new UsageError(`outlive soak takes one scenario at a time, not also "${others[0]}".`);
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (!scenario) throw new UsageError(`There is no scenario "${name}"; there is ${names}.`);
  return scenario;
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new UsageError(`--${option} must be a whole number from ${min} to ${max}, not "${text}".`);
}

function conclude(scenario: Scenario, { variants, checks }: SoakResult, json: boolean): number {
  const passed = checks.every((check) => check.passed);
  const files = variants.map(({ folder, report, recordings }) =>
    writeHtml(path.join(folder, 'report.html'), report, recordings),
  );
  if (json) {
    const outcome = {
      scenario: scenario.name,
      passed,
      checks,
      variants: variants.map(({ variant, folder, work, report }) => ({ variant, folder, work, report })),
    };
    process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
    return passed ? EXIT_CLEAN : EXIT_FINDINGS;
  }
  for (const { variant, report } of variants) {
    process.stderr.write(`\n── ${variant} ${'─'.repeat(Math.max(3, 74 - variant.length))}\n`);
    printSummary(report);
  }
  process.stderr.write(`\n── ${scenario.name} ${'─'.repeat(Math.max(3, 74 - scenario.name.length))}\n`);
  for (const check of checks) process.stderr.write(`${check.passed ? '✓' : '✗'} ${check.sentence}\n`);
  process.stderr.write(
    `\n${passed ? 'As it should be: the leak is found, the fix is silent.' : 'Not as it should be.'}\n\n`,
  );
  for (const file of files) process.stdout.write(`${shortPath(file)}\n`);
  return passed ? EXIT_CLEAN : EXIT_FINDINGS;
}
