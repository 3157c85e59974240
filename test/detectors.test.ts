import { expect, test } from 'vitest';
import { type Account, Resource } from '../probe/account/ledger.ts';
import type { Scope } from '../probe/account/scope.ts';
import { capacity } from '../probe/judge/detectors/capacity.ts';
import { collected } from '../probe/judge/detectors/collected.ts';
import type { Context, Group } from '../probe/judge/detectors/detector.ts';
import { flowEnded } from '../probe/judge/detectors/flow-ended.ts';
import { heldTooLong } from '../probe/judge/detectors/held-too-long.ts';
import { openTransaction } from '../probe/judge/detectors/open-transaction.ts';
import { outlivedScope } from '../probe/judge/detectors/outlived-scope.ts';
import { superseded } from '../probe/judge/detectors/superseded.ts';
import { Floors } from '../probe/judge/floors.ts';

// Detectors are pure: a group and a clock's reading in, a verdict out. Here each one's rules, with the cases that it
// gets wrong on purpose named as such.

const NOW = 100_000;
const context: Context = { at: NOW, graceMs: 1000, heldMs: 0, scopes: new Map() };

interface Open {
  openedAt?: number;
  scope?: Scope | null;
  busy?: boolean;
  lost?: boolean;
  leftBehind?: boolean;
  superseded?: number;
  overtaken?: number;
  handle?: object | 'collected';
  uses?: number;
}

function open({ openedAt = NOW - 5000, scope = null, ...known }: Open): Resource {
  const resource = new Resource({} as Account, scope, openedAt);
  const { busy, lost = false, leftBehind = lost } = known;
  if (busy !== undefined) resource.isBusy = () => busy;
  if (known.handle)
    resource.handle = { deref: () => (known.handle === 'collected' ? undefined : known.handle) } as never;
  Object.defineProperties(resource, { hasLostFlow: { value: lost }, isLeftBehind: { value: leftBehind } });
  return Object.assign(resource, {
    superseded: known.superseded ?? 0,
    overtaken: known.overtaken ?? 0,
    uses: known.uses ?? 0,
  });
}

/** `released` many came back, by their own flow and in time unless said otherwise, after 20 ms at most. */
function group(opened: Open[], released: number, changes: Partial<Group> & { history?: object } = {}): Group {
  const history = { released, inFlow: released, afterScope: 0, uses: released, longestUse: released ? 20 : 0 };
  return {
    key: 'here',
    kind: 'connection',
    library: 'pg',
    shape: 'lease',
    accounts: [],
    frame: 0,
    open: opened.map(open),
    acquired: released + opened.length,
    released,
    floors: new Floors(0),
    ...changes,
    history: { ...history, ...changes.history },
  };
}

let lastScope = 0;
function ended(ago: number, kind: Scope['kind'] = 'job'): Scope {
  return { id: ++lastScope, name: 'nightly', kind, began: 0, ended: NOW - ago, failedWith: null };
}
const verdict = (certainty: string, leaked: number) => ({ certainty, leaked: { length: leaked } });

test('outlived-scope: likely when it recurs among runs that give back, a suspect once', () => {
  const leak = { scope: ended(3000) };
  expect(outlivedScope(group([leak, { scope: ended(2000) }], 50), context)).toMatchObject(verdict('likely', 2));
  expect(outlivedScope(group([leak], 50), context)).toMatchObject(verdict('suspect', 1));
  const neverBack = [ended(3000), ended(2500), ended(2000)].map((scope) => ({ scope }));
  expect(outlivedScope(group(neverBack, 0), context)).toMatchObject(verdict('likely', 3));
});

test('outlived-scope: of requests that never give back it is only a suspect: they may be sessions', () => {
  const sessions = [1, 2, 3, 4, 5].map(() => ({ scope: ended(3000, 'request') }));
  expect(outlivedScope(group(sessions, 0), context)).toMatchObject(verdict('suspect', 5));
});

test('outlived-scope: silent on a singleton, within the grace, while busy, and while the scope runs', () => {
  expect(outlivedScope(group([{ scope: ended(3000) }], 0), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(500) }], 50), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(3000), busy: true }], 50), context)).toBeNull();
  expect(outlivedScope(group([{ scope: { ...ended(0), ended: 0 } }], 50), context)).toBeNull();
});

test('outlived-scope: where others came back after their scope, only what is far beyond that is a suspect', () => {
  const late = { afterScope: 10, longestUse: 4000 };
  expect(outlivedScope(group([{ scope: ended(10_000) }], 50, { history: late as never }), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(13_000) }], 50, { history: late as never }), context)).toMatchObject(
    verdict('suspect', 1),
  );
});

test('superseded: its flow took and gave back three later ones, and no continuation has it as its newest', () => {
  expect(superseded(group([{ superseded: 3, leftBehind: true }], 50), context)).toMatchObject(verdict('likely', 1));
  expect(superseded(group([{ superseded: 2, leftBehind: true }], 50), context)).toBeNull();
  // a job started side by side with others that were faster
  expect(superseded(group([{ superseded: 9, leftBehind: false }], 50), context)).toBeNull();
  // nothing ever came back at this line: held on purpose, or a leak that others have to find
  expect(superseded(group([{ superseded: 3, leftBehind: true }, {}], 0), context)).toBeNull();
  // later ones that were taken are enough where this line's flows have always given back their own
  expect(superseded(group([{ overtaken: 3, leftBehind: true }], 50), context)).toMatchObject(verdict('likely', 1));
});

test('flow-ended: likely only where every release so far was by the flow that acquired', () => {
  const gone = { lost: true };
  expect(flowEnded(group([gone], 50), context)).toMatchObject(verdict('likely', 1));
  const reaped = { inFlow: 0, longestUse: 1000 };
  expect(flowEnded(group([gone], 50, { history: reaped as never }), context)).toMatchObject(verdict('suspect', 1));
  expect(flowEnded(group([{ ...gone, openedAt: NOW - 2500 }], 50, { history: reaped as never }), context)).toBeNull();
});

test('flow-ended: without any release, silent on a few, a suspect when there are many', () => {
  const gone = { lost: true };
  expect(flowEnded(group([gone, gone, gone], 0), context)).toBeNull();
  expect(flowEnded(group(Array(5).fill(gone), 0), context)).toMatchObject(verdict('suspect', 5));
  expect(flowEnded(group(Array(12).fill({ leftBehind: true }), 0), context)).toMatchObject(verdict('suspect', 12));
});

test('held-too-long: ten times the longest known use, never more than a suspect, and only with a history', () => {
  expect(heldTooLong(group([{}], 50), context)).toMatchObject(verdict('suspect', 1));
  expect(heldTooLong(group([{}], 50, { history: { longestUse: 600 } as never }), context)).toBeNull();
  expect(heldTooLong(group([{ busy: true }], 50), context)).toBeNull();
  expect(heldTooLong(group([{}, {}], 5), context)).toBeNull();
  // a threshold, if one is set
  expect(heldTooLong(group([{}, {}], 0), { ...context, heldMs: 4000 })).toMatchObject(verdict('suspect', 2));
});

test('collected: proven, for libraries that hand out a fresh object per borrow', () => {
  expect(collected(group([{ handle: 'collected' }, { handle: {} }], 0), context)).toMatchObject(verdict('proven', 1));
  expect(collected(group([{}, {}], 0), context)).toBeNull();
});

test('a transaction that its lease was given back in is likely once the grace is over', () => {
  const shape = { shape: 'transaction' } as const;
  expect(openTransaction(group([{}], 0, shape), context)).toMatchObject({
    detector: 'outlived-scope',
    ...verdict('likely', 1),
  });
  expect(openTransaction(group([{ openedAt: NOW - 500 }], 0, shape), context)).toBeNull();
});

test('a pool per call: many idle pools that served next to nothing; a few, or busy ones, are none', () => {
  const shape = { shape: 'pool' } as const;
  const once = { uses: 1 };
  expect(capacity(group(Array(20).fill(once), 0, shape), context)).toMatchObject({
    detector: 'growth',
    ...verdict('likely', 20),
  });
  expect(capacity(group(Array(6).fill(once), 0, shape), context)).toMatchObject(verdict('suspect', 6));
  expect(capacity(group(Array(4).fill(once), 0, shape), context)).toBeNull();
  expect(capacity(group(Array(20).fill({ uses: 50 }), 0, shape), context)).toBeNull();
});
