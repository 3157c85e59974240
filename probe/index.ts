/** The public module. Without the probe everything here passes straight through, so it may stay in production code. */
import type { Probe } from './probe.ts';

export type * from './recording/format.ts';
export type { Finding, Report, ReportProcess, Site, Watched, Withdrawn } from './recording/report.ts';

const probe = (): Probe | undefined =>
  (globalThis as { [key: symbol]: Probe | undefined })[Symbol.for('outlive.probe')];

/**
 * Runs a job as a scope: what it acquires should be given back when it ends. It ends when `job` returns, or when the
 * promise that it returns settles. Result, error and `this` are those of `job`.
 *
 * @example await scope('nightly-report', () => buildReport(day));
 */
export function scope<T>(name: string, job: () => T): T {
  const active = probe();
  return active ? active.scope(name, job) : job();
}
