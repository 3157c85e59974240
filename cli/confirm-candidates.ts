/** `outlive candidates --confirm`: asks executions of a command about candidates, and lists what they say. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { readSettings } from '../probe/process/settings.ts';
import { makeFolder, writeOwn } from '../probe/recording/own.ts';
import { visible } from '../reports/words.ts';
import { confirm } from '../soak/fail-path/confirm.ts';
import { type Confirmation, VERDICTS } from '../soak/fail-path/trial.ts';
import { UserError } from '../user-error.ts';
import { counted, inWords, type Traced } from './candidate-words.ts';
import { onInterruption } from './interruption.ts';
import { shortPath } from './output.ts';
import { Progress } from './progress.ts';
import { EXIT_CLEAN, EXIT_FINDINGS, EXIT_INTERRUPTED } from './usage.ts';

interface Asked {
  command: readonly [string, ...string[]];
  limitMs: number;
  json: boolean;
  /** Where tests and patches are written; null: nowhere. */
  out: string | null;
}

type Confirmed = Traced & Confirmation;

/** The exit code. Throws `UserError`. */
export async function confirmCandidates(candidates: readonly Traced[], asked: Asked): Promise<number> {
  const [problem] = readSettings(process.env).problems;
  if (problem) throw new UserError(problem);
  const stopping = new AbortController();
  onInterruption({
    first: () => stopping.abort(),
    // what guards the program ends it
    second: () => process.exit(EXIT_INTERRUPTED),
  });
  const confirmations = await executed(candidates, asked, stopping.signal);
  if (confirmations === null) {
    process.stderr.write(
      'outlive: It was interrupted before all paths were tried, so nothing is said of any candidate.\n',
    );
    return EXIT_INTERRUPTED;
  }
  const all = candidates
    .map((candidate, i): Confirmed => ({ ...candidate, ...(confirmations[i] as Confirmation) }))
    .sort((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict));
  if (asked.out !== null) writeAll(all, asked.out);
  process.stdout.write(asked.json ? `${JSON.stringify(all.map(asData), null, 2)}\n` : inLines(all));
  return all.some(({ verdict }) => verdict === 'confirmed') ? EXIT_FINDINGS : EXIT_CLEAN;
}

/** `orders-js-8.test.mjs` and `orders-js-8.patch`. */
function writeAll(all: readonly Confirmed[], folder: string): void {
  makeFolder(folder);
  for (const { file, candidate, test, fix } of all) {
    const name = path.join(folder, `${file.replace(/[^\w]+/g, '-')}-${candidate.line}`);
    if (test !== null) writeOwn(`${name}.test.mjs`, test);
    if (fix?.diff) writeOwn(`${name}.patch`, fix.diff);
  }
}

/** Null when it was interrupted. */
async function executed(candidates: readonly Traced[], { command, limitMs }: Asked, signal: AbortSignal) {
  const progress = new Progress(process.stderr);
  const began = performance.now();
  const onProgress = (done: number, of: number, note: string) => {
    const leftMs = done === 0 ? null : ((performance.now() - began) / done) * (of - done);
    const position =
      done < of
        ? { stage: `fault ${done + 1} of ${of}`, done: done / of, leftMs }
        : { stage: 'patch', done: 1, leftMs: null };
    progress.report({ ...position, note, isOver: false });
  };
  const onProblem = (sentence: string) => {
    progress.end();
    process.stderr.write(`outlive: ${visible(sentence)}\n`);
  };
  const suspicions = candidates.map(({ file, trace }) => ({ ...trace, file: realpathSync(file) }));
  try {
    return await confirm(suspicions, { command, limitMs, signal, onProgress, onProblem });
  } catch (error) {
    if (!signal.aborted) throw error;
    return null;
  } finally {
    progress.end();
  }
}

function asData({ file, candidate, verdict, sentence, fault, fix }: Confirmed) {
  const place = fault && { file: shortPath(fault.site.file), line: fault.site.line };
  return {
    ...{ file, ...candidate, verdict, sentence, fix },
    fault: fault && { kind: fault.fault.kind, ...place, ordinal: fault.fault.ordinal },
  };
}

const INDENT = Math.max(...VERDICTS.map(({ length }) => length)) + 2;

function indented(text: string): string {
  return `${' '.repeat(INDENT)}${visible(text)}\n`;
}

function told(fix: Confirmed['fix']): string[] {
  return fix ? [fix.sentence, ...(fix.diff?.trimEnd().split('\n') ?? [])] : [];
}

function inLines(all: readonly Confirmed[]): string {
  const rows = all.map(
    ({ file, candidate, verdict, sentence, fix }) =>
      `${verdict.padEnd(INDENT)}${inWords({ file, ...candidate })}${[sentence, ...told(fix)].map(indented).join('')}`,
  );
  const counts = VERDICTS.map((verdict) => `${all.filter((each) => each.verdict === verdict).length} ${verdict}`);
  return `${rows.join('')}${counted(all.length)}: ${counts.join(', ')}.\n`;
}
