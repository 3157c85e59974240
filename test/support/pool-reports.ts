/** Hand-made findings about whole pools, transactions and pools per call; and findings as a process records them. */
import type { RecordedFinding, Recording } from '../../probe/recording/format.ts';
import type { Finding, Site } from '../../probe/recording/report.ts';
import { makeFinding } from './reports.ts';

const RESERVE: Site = { file: '/srv/shop/src/orders.ts', line: 12, column: 29, function: 'reserve' };
const EXPORT: Site = { file: '/srv/shop/src/export.ts', line: 88, column: 20, function: 'stream' };

/** Pool `orders` is too small: `reserve` holds it by two callers, and `stream` one connection. */
export function makeExhaustion(changes: Partial<Finding> = {}): Finding {
  return makeFinding({
    id: 'exhaustion',
    detector: 'pool-exhausted',
    certainty: 'suspect',
    count: 4,
    site: RESERVE,
    evidence: [
      '92 acquires of pool orders timed out after 400 ms, with 4 of 4 in use and 15 waiting.',
      'Too small: this work needs more connections at once, or shorter uses. Holders have theirs for 97 ms at the median.',
    ],
    exhausted: { cause: 'too small', used: 4, limit: 4, waiting: 15 },
    holders: [
      { site: RESERVE, count: 2, oldestMs: 171, idleMs: 171, busy: 2 },
      { site: EXPORT, count: 1, oldestMs: 12_040, idleMs: 9100, busy: 0 },
      { site: RESERVE, count: 1, oldestMs: 4200, idleMs: 12, busy: 1 },
    ],
    scopes: [],
    ...changes,
  });
}

/** Of the same pool: those who took one wait for one more at line 30. */
export function makeDeadlock(): Finding {
  return makeExhaustion({
    id: 'deadlock',
    detector: 'hold-and-wait',
    certainty: 'proven',
    site: { ...RESERVE, line: 30, function: 'transfer' },
    evidence: [
      'All 4 connections of pool orders are held by code that waits here for one more, for 1.2 s already: nobody is left to release one.',
    ],
    exhausted: { cause: 'deadlock', used: 4, limit: 4, waiting: 4 },
    holders: [{ site: RESERVE, count: 4, oldestMs: 1200, idleMs: 1200, busy: null }],
  });
}

export function makeOpenTransaction(): Finding {
  return makeFinding({
    detector: 'outlived-scope',
    certainty: 'likely',
    count: 3,
    acquired: 5,
    released: 2,
    pool: null,
    nature: 'transaction',
    evidence: ['3 given back inside a transaction that is still open, the oldest for 4.2 s.'],
    scopes: [],
  });
}

export function makePoolsPerCall(): Finding {
  return makeFinding({
    detector: 'growth',
    certainty: 'likely',
    count: 26,
    acquired: 26,
    released: 0,
    nature: 'pool',
    library: 'pg pool',
    pool: null,
    evidence: ['26 of 26 pools that were made here are open and idle.'],
    scopes: [],
  });
}

/** As the process knew it, at a site that `recognise` gives a stack. */
export function recorded(finding: Finding): RecordedFinding {
  const { id: _, origin: __, site: ___, stack: ____, excerpt: _____, ...rest } = finding;
  return { ...rest, site: 1, frame: 0, holders: [] };
}

/** Has the recording see `finding` for the first time at `at`. */
export function recognise(recording: Recording, finding: Finding, at: number): void {
  recording.sites.set(1, [{ ...finding.site!, user: true }]);
  recording.findings.set(finding.id, { at, finding: recorded(finding) });
}
