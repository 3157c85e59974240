/**
 * Tells of leaks outside of the runner's own output: in a folder that `outlive report` reads, and as annotations of GitHub
 * Actions. Each process and thread appends to a file of its own, so that nothing is lost with a worker that is ended.
 */
import { closeSync, writeSync } from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { appendOwn, makeFolder } from '../probe/recording/own.ts';
import type { Finding } from '../probe/recording/report.ts';
import { type TestsEntry, testsFileOf } from '../probe/recording/tests.ts';
import type { Scope } from './core.ts';
import { fromHere, subject } from './message.ts';

export class Teller {
  readonly #descriptor: number | null = null;
  readonly #annotates: boolean;

  /** `out`: the folder, or null. Throws `UserError` when it is another user's. */
  constructor(out: string | null, annotates: boolean) {
    this.#annotates = annotates;
    if (out === null) return;
    makeFolder(path.resolve(out));
    this.#descriptor = appendOwn(testsFileOf(path.resolve(out), process.pid, threadId));
    process.once('exit', () => closeSync(this.#descriptor as number));
    this.#write({ t: 'begin', node: process.version, startedMs: Date.now() });
  }

  tell(findings: readonly Finding[], scope: Scope): void {
    const names = namesOf(scope);
    for (const finding of findings) {
      this.#write({ t: 'leak', test: names, kind: scope.kind === 'test' ? 'test' : 'suite', finding });
      if (this.#annotates) process.stderr.write(annotation(finding, names.join(' › ')));
    }
  }

  #write(entry: TestsEntry): void {
    if (this.#descriptor !== null) writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
  }
}

/** From the outermost suite to the test; what stands for the file has no name. */
function namesOf(scope: Scope): string[] {
  const own = scope.within === null ? [] : [scope.name];
  return scope.within ? [...namesOf(scope.within), ...own] : own;
}

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message */
function annotation(finding: Finding, test: string): string {
  const { site } = finding;
  const place = site ? `file=${property(fromHere(site.file))},line=${site.line},col=${site.column},` : '';
  const text = `Left open by ${test || 'the file'}.`;
  return `\n::error ${place}title=${property(`${subject(finding)} outlives its test`)}::${escaped(text)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
