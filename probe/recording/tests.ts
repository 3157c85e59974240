/**
 * What the guards of a test run wrote: `tests-<pid>-<thread>.ndjson`, append-only JSON lines beside the recordings, if
 * there are any. One file for each process and thread that ran tests.
 */
import path from 'node:path';
import type { Finding } from './report.ts';

export type TestsEntry =
  | { t: 'begin'; node: string; startedMs: number }
  /** `test`: from the outermost suite to it; empty: of the whole file. */
  | { t: 'leak'; test: string[]; kind: 'test' | 'suite'; finding: Finding };

export function testsFileOf(folder: string, pid: number, thread: number): string {
  return path.join(folder, `tests-${pid}-${thread}.ndjson`);
}

export function isTestsFile(name: string): boolean {
  return /^tests-\d+-\d+\.ndjson$/.test(name);
}
