/** What tests say to their guard: `outlive/guard`. */
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

export interface GuardOptions {
  /** How long something may take to be given back, in whole milliseconds; as OUTLIVE_TEST_SETTLE_MS. */
  settleMs?: number;
  /** False: what is left open fails nothing. */
  isGuarded?: boolean;
}

const MOST_MS = 60_000;

/**
 * For the suite or file whose `beforeAll` calls it, and all within that; or for the test that does. Throws a TypeError for
 * anything else than these options, and an Error when it is called elsewhere, such as while a file is loaded. Without a
 * guard it does nothing.
 *
 * @example beforeAll(() => guardOptions({ settleMs: 5000 }));
 */
export function guardOptions(options: GuardOptions): void {
  const { settleMs, isGuarded, ...others } = options;
  for (const name of Object.keys(others))
    throw new TypeError(`guardOptions knows settleMs and isGuarded, not ${name}.`);
  if (settleMs !== undefined && !(Number.isInteger(settleMs) && settleMs >= 0 && settleMs <= MOST_MS)) {
    throw new TypeError(`settleMs must be a whole number from 0 to ${MOST_MS}.`);
  }
  if (isGuarded !== undefined && typeof isGuarded !== 'boolean')
    throw new TypeError('isGuarded must be true or false.');
  const given = { ...(settleMs !== undefined && { settleMs }), ...(isGuarded !== undefined && { isGuarded }) };
  if (findGuard()?.set(given) === false) throw new Error('guardOptions is called in a test, or in a hook of a suite.');
}

/**
 * Runs `work`, which is to leave something open, and returns what that is; the test does not fail by it. Throws when
 * nothing is left open, or when no guard runs: see docs/tests.md.
 *
 * @example const [leak] = await expectLeak(() => reserve(emptyOrder));
 */
export async function expectLeak(work: () => unknown): Promise<ExpectedLeak[]> {
  const guard = findGuard();
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

function findGuard(): Guard | undefined {
  return (globalThis as { [key: symbol]: unknown })[Symbol.for('outlive.guard')] as Guard | undefined;
}
