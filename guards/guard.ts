/** For tests of leaks: `outlive/guard`. */
import type { Guard } from './core.ts';

/** What was left open by one line. */
export interface ExpectedLeak {
  /** `connection`, `timer`…, as in report.json. */
  kind: string;
  library: string;
  count: number;
  /** Absolute; null where no stack is known. */
  file: string | null;
  line: number | null;
}

/**
 * Runs `work`, which is to leave something open, and returns what that is; the test does not fail by it. Throws when
 * nothing is left open, or when no guard runs: see docs/tests.md.
 *
 * @example const [leak] = await expectLeak(() => reserve(emptyOrder));
 */
export async function expectLeak(work: () => unknown): Promise<ExpectedLeak[]> {
  const guard = (globalThis as { [key: symbol]: unknown })[Symbol.for('outlive.guard')] as Guard | undefined;
  if (!guard) throw new Error('expectLeak needs the guard of your test runner, such as --require outlive/node-test.');
  const scope = guard.begin('expectLeak', 'test', guard.current());
  try {
    await guard.run(scope, work);
  } finally {
    guard.end(scope);
  }
  const findings = await guard.expected(scope);
  if (findings.length === 0) throw new Error('Nothing outlives what was expected to leak.');
  return findings.map(({ kind, library, count, site }) => ({
    ...{ kind, library, count },
    file: site?.file ?? null,
    line: site?.line ?? null,
  }));
}
