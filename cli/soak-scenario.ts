/** Soaks a scenario: its flags, its progress, and what came out. */
import path from 'node:path';
import { newRunFolder, removeIfEmpty } from '../probe/recording/folder.ts';
import type { Check, Scenario, SoakResult } from '../scenarios/scenario.ts';
import { onInterruption } from './interruption.ts';
import { makeRunFolder, printSummary, shortPath, writeHtml } from './output.ts';
import { Progress } from './progress.ts';
import { declaredBy, type ScenarioOptions } from './soak-options.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED } from './usage.ts';

export async function soak(scenario: Scenario, values: ScenarioOptions): Promise<number> {
  const all = values as Readonly<Record<string, unknown>>;
  const context = {
    runs: values.runs,
    options: Object.fromEntries(Object.keys(declaredBy(scenario)).map((name) => [name, String(all[name])])),
    out: path.resolve(values.out ?? newRunFolder()),
  };
  makeRunFolder(context.out);
  const stopping = new AbortController();
  onInterruption({ first: () => stopping.abort(), second: () => process.exit(EXIT_INTERRUPTED) });
  const progress = new Progress(process.stderr);
  try {
    const result = await scenario.soak({
      ...context,
      signal: stopping.signal,
      onProgress: (stage, run, of, note) => progress.show(stage, run, of, note),
    });
    progress.end();
    return conclude(scenario, result, values.json);
  } catch (error) {
    progress.end();
    if (!stopping.signal.aborted) throw error;
    process.stderr.write('Interrupted; what was started is ended and removed.\n');
    return EXIT_INTERRUPTED;
  } finally {
    removeIfEmpty(context.out);
  }
}

function conclude({ name, conclusion }: Scenario, result: SoakResult, json: boolean): number {
  const { variants, checks, html, table, outcome } = result;
  const passed = checks.every((check) => check.passed);
  const isInconclusive = !passed && checks.every((check) => check.passed || check.isInconclusive);
  const code = passed ? EXIT_CLEAN : isInconclusive ? EXIT_INCONCLUSIVE : EXIT_FINDINGS;
  const files = variants.map(({ folder, report, recordings }) =>
    writeHtml(path.join(folder, 'report.html'), report, recordings),
  );
  if (html !== undefined) files.push(html);
  if (json) {
    const rows = variants.map((variant) => {
      const { name: of, folder, work, report } = variant;
      return { variant: of, folder, work, report };
    });
    const all = { scenario: name, passed, isInconclusive, checks, variants: rows, html, comparison: outcome };
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
    return code;
  }
  for (const { name: variant, report } of variants) {
    process.stderr.write(headline(variant));
    printSummary(report);
  }
  process.stderr.write(headline(name));
  if (table !== undefined) process.stderr.write(`${table}\n`);
  for (const check of checks) process.stderr.write(`${markOf(check)} ${check.sentence}\n`);
  const good = conclusion === undefined ? 'As it should be.' : `As it should be: ${conclusion}.`;
  const bad = isInconclusive
    ? 'Inconclusive: nothing was refuted, but this machine could not show all.'
    : 'Not as it should be.';
  process.stderr.write(`\n${passed ? good : bad}\n\n`);
  for (const file of files) process.stdout.write(`${shortPath(file)}\n`);
  return code;
}

function markOf({ passed, isInconclusive }: Check): string {
  if (passed) return '✓';
  return isInconclusive ? '?' : '✗';
}

function headline(text: string): string {
  return `\n── ${text} ${'─'.repeat(Math.max(3, 74 - text.length))}\n`;
}
