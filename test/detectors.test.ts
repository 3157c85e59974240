import { expect, test } from 'vitest';
import { Ledger, Resource } from '../probe/account/ledger.ts';
import type { Scope } from '../probe/account/scope.ts';
import type { Context, Group, Verdict } from '../probe/judge/detectors/detector.ts';
import { Floors } from '../probe/judge/floors.ts';
import { DETECTOR_OF } from '../probe/judge/rules.ts';
import type { NatureName, Rule } from '../probe/recording/natures.ts';

// Detectors are pure: a group and a clock's reading in, a verdict out. Here each one's rules, with the cases that it
// gets wrong on purpose named as such.

const NOW = 100_000;
const context: Context = {
  at: NOW,
  collectedAt: NOW,
  triedAt: NOW,
  graceMs: 1000,
  heldMs: 0,
  scopes: new Map(),
  growthLimit: -1,
  timersAlone: () => null,
  isEnd: false,
  ending: null,
};

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
  stranded?: boolean;
  recipe?: string;
  leadsTo?: string;
  lastsMs?: number;
  /** Known, and not lost. */
  isFollowed?: boolean;
}

interface Opened {
  group: Group;
  open: Resource[];
}

/** `released` many came back, by their own flow and in time unless said otherwise, after 20 ms at most. */
function group(
  opened: Open[],
  released: number,
  { nature = 'lease', history = {} }: { nature?: NatureName; history?: Partial<Group['history']> } = {},
): Opened {
  const ledger = new Ledger();
  const source = ledger.source({ adapter: 'pg', nature, library: 'pg' });
  const account = ledger.account(source, null);
  const open = opened.map(({ openedAt = NOW - 5000, scope = null, ...known }) => {
    const { busy, lost = false, leftBehind = lost } = known;
    const handle = known.handle && { deref: () => (known.handle === 'collected' ? undefined : known.handle) };
    const resource = new Resource(account, scope, openedAt, {
      ...(known.leadsTo !== undefined && { leadsTo: () => known.leadsTo ?? null }),
      ...(known.lastsMs !== undefined && { lastsMs: known.lastsMs }),
      ...(busy !== undefined && { isBusy: () => busy }),
      ...(handle && { handle: handle as WeakRef<object> }),
    });
    Object.defineProperties(resource, { hasLostFlow: { value: lost }, isLeftBehind: { value: leftBehind } });
    if (known.isFollowed) Object.defineProperty(resource, 'isFollowed', { value: true });
    const { superseded = 0, overtaken = 0, uses = 0, stranded = false, recipe = null } = known;
    return Object.assign(resource, { superseded, overtaken, uses, isStranded: stranded, recipe });
  });
  for (const resource of open) account.open.push(resource);
  const usual = {
    released,
    inFlow: released,
    adopted: 0,
    inScope: released,
    afterScope: 0,
    uses: released,
    longestUse: released ? 20 : 0,
  };
  return {
    open,
    group: {
      ...{ key: 'here', source, accounts: [account], frame: 0, floors: new Floors(0), rests: [] as number[] },
      ...{ open: open.length, acquired: released + open.length, released, history: { ...usual, ...history } },
    },
  };
}

const judgedBy =
  (rule: Rule) =>
  ({ group, open }: Opened, at: Context = context): Verdict | null => {
    const { detector, picks, concludes } = DETECTOR_OF[rule];
    const picked = open.filter(picks(group, at) ?? (() => false));
    const verdict = picked.length > 0 ? concludes(picked, group, at) : null;
    return verdict && { detector, ...verdict };
  };
const outlivedScope = judgedBy('outlived-scope/lease');
const awaitedByPool = judgedBy('outlived-scope/pool');
const superseded = judgedBy('superseded');
const flowEnded = judgedBy('flow-ended');
const ownFlowEnded = judgedBy('flow-ended/own');
const heldTooLong = judgedBy('held-too-long');
const collected = judgedBy('collected');
const openTransaction = judgedBy('outlived-scope/transaction');
const capacity = judgedBy('growth/pools');
const stranded = judgedBy('outlived-scope/stranded');
const rearmed = judgedBy('outlived-scope/loop');
const oneShot = judgedBy('outlived-scope/one-shot');
const failPath = judgedBy('fail-path');

let lastScope = 0;
function ended(ago: number, kind: Scope['kind'] = 'job'): Scope {
  return {
    id: ++lastScope,
    name: 'nightly',
    kind,
    within: null,
    began: 0,
    ended: NOW - ago,
    failedWith: null,
    latest: null,
  };
}
const verdict = (certainty: string, leaked: number) => ({ certainty, leaked: { length: leaked } });

test('outlived-scope: likely when it recurs among runs that give back, a suspect once', () => {
  const leak = { scope: ended(3000) };
  expect(outlivedScope(group([leak, { scope: ended(2000) }], 50), context)).toMatchObject(verdict('likely', 2));
  expect(outlivedScope(group([leak], 50), context)).toMatchObject(verdict('suspect', 1));
  // what came back outside any scope says nothing of how runs deal with it
  const elsewhere = { history: { inScope: 0 } };
  expect(outlivedScope(group([leak, { scope: ended(2000) }], 50, elsewhere), context)).toMatchObject(
    verdict('suspect', 2),
  );
  const neverBack = [ended(3000), ended(2500), ended(2000)].map((scope) => ({ scope }));
  expect(outlivedScope(group(neverBack, 0), context)).toMatchObject(verdict('likely', 3));
});

test('outlived-scope: requests that never give back are likely when not one of them did, or ever more lie there', () => {
  const requests = (count: number, more: Open = {}) =>
    group(
      Array.from({ length: count }, () => ({ scope: ended(3000, 'request'), ...more })),
      0,
    );
  const all = (count: number): Context => ({
    ...context,
    scopes: new Map([
      [
        'nightly',
        { name: 'nightly', kind: 'request', began: count, ended: count, failed: 0, failedWith: new Map(), rank: count },
      ],
    ]),
  });
  // a few may be sessions
  expect(outlivedScope(requests(5), all(5))).toMatchObject(verdict('suspect', 5));
  expect(outlivedScope(requests(8), all(8))).toMatchObject(verdict('likely', 8));
  // others left none: a cache that is filled by who comes first
  expect(outlivedScope(requests(30), all(50))).toMatchObject(verdict('suspect', 30));
  // … and of those that are not followed nobody knows who left none
  const unfollowed = Array.from({ length: 100 }, () => ({}));
  const followed = Array.from({ length: 30 }, () => ({ scope: ended(3000, 'request') }));
  expect(outlivedScope(group([...followed, ...unfollowed], 0), all(50))).toMatchObject(verdict('suspect', 30));
  // sessions that are used by others than who began them
  const used = requests(8);
  for (const resource of used.open) resource.isHandedOver = true;
  expect(outlivedScope(used, all(8))).toMatchObject(verdict('suspect', 8));
  const rising = (...rests: number[]) => ({ ...requests(30), group: { ...requests(30).group, rests } });
  expect(outlivedScope(rising(8, 15, 22, 30), all(50))).toMatchObject(verdict('likely', 30));
  expect(outlivedScope(rising(8, 25, 29, 30), all(50))).toMatchObject(verdict('suspect', 30));
});

/** `failed` of forty requests failed, and of those that are left all, or but one. */
const ofFailed = (count: number, { failed = 10, but = 0, error = 'HTTP 500' } = {}) => {
  const open = Array.from({ length: count }, (_, n) => ({
    ...{ scope: { ...ended(3000, 'request'), failedWith: n < but ? null : error }, lastsMs: 5000 },
  }));
  const totals = { began: 40, ended: 40, failed, failedWith: new Map(), rank: 40 };
  const scopes = new Map([['nightly', { name: 'nightly', kind: 'request', ...totals }]] as const);
  return { open, context: { ...context, scopes } };
};

test('outlived-scope: what only failed requests left is likely, though others came back after their requests', () => {
  // a session closes, or a child ends, some time later
  const later = { history: { inScope: 0, afterScope: 30 } };
  const judged = ({ open, context: at }: ReturnType<typeof ofFailed>, released = 30) =>
    outlivedScope(group(open, released, later), at);
  expect(judged(ofFailed(3))).toMatchObject(verdict('likely', 3));
  expect(judged(ofFailed(2))).toMatchObject(verdict('suspect', 2));
  expect(judged(ofFailed(3), 3)).toMatchObject(verdict('suspect', 3));
  expect(judged(ofFailed(3, { but: 1 }))).toMatchObject(verdict('suspect', 3));
  // most fail, so it says nothing
  expect(judged(ofFailed(3, { failed: 20 }))).toMatchObject(verdict('suspect', 3));
  // no more were made than failed: a diagnosis
  expect(judged(ofFailed(3), 16)).toMatchObject(verdict('suspect', 3));
  // the client left, and the handler may go on
  expect(judged(ofFailed(3, { error: 'aborted' }))).toBeNull();
});

test('outlived-scope: one-shot timers of failed work alone, where others of the line were cleared', () => {
  const judged = (
    { open, context: at }: ReturnType<typeof ofFailed>,
    released = 30,
    { cleared = released, longestCleared = 5000 } = {},
  ) => {
    const made = group(open, released, { nature: 'timeout' });
    Object.assign(made.group.accounts[0] as object, { released, cleared, longestCleared });
    return oneShot(made, at);
  };
  expect(judged(ofFailed(8))).toMatchObject({ detector: 'outlived-scope', ...verdict('likely', 8) });
  expect(judged(ofFailed(7))).toBeNull();
  // each request leaves one: an entry's time to live
  expect(judged(ofFailed(8, { but: 1 }))).toBeNull();
  // as many were set as failed: another try
  expect(judged(ofFailed(8, { failed: 19 }), 19)).toBeNull();
  // … and one after that, which nobody clears
  expect(judged(ofFailed(8), 30, { cleared: 14 })).toBeNull();
  // an error is remembered for longer
  expect(judged(ofFailed(8), 30, { longestCleared: 300 })).toBeNull();
});

test('outlived-scope: handlers that have answered go on as long as their flow, but for what they do not use', () => {
  const names = new Map([
    ['nightly', { name: 'nightly', kind: 'request', began: 24, ended: 24, failed: 0, failedWith: new Map(), rank: 24 }],
  ] as const);
  const going = (nature: NatureName, released: number, more: Open = {}, inScope = released) => {
    const open = Array.from({ length: 24 }, () => ({ scope: ended(3000, 'request'), isFollowed: true, ...more }));
    const made = group(open, released, { nature });
    Object.assign(made.group.accounts[0] as object, { releasedInScope: inScope });
    return outlivedScope(made, { ...context, scopes: names });
  };
  expect(going('interval', 0)).toBeNull();
  expect(going('interval', 0, { lost: true })).toMatchObject(verdict('likely', 24));
  // others came back in time
  expect(going('interval', 50)).toMatchObject(verdict('likely', 24));
  // … of another caller of the same helper
  expect(going('interval', 50, {}, 0)).toBeNull();
  // a stream that nobody reads keeps the flow of its connection
  expect(going('lease', 0, { uses: 1 })).toMatchObject(verdict('likely', 24));
  expect(going('lease', 0)).toBeNull();
});

test('outlived-scope: what several requests made alike and nobody used since is no cache', () => {
  const names = new Map([
    ['nightly', { name: 'nightly', kind: 'request', began: 24, ended: 24, failed: 0, failedWith: new Map(), rank: 24 }],
  ] as const);
  const made = (leadsTo: (n: number) => string, shared = false) => {
    const open = Array.from({ length: 6 }, (_, n) => ({
      ...{ scope: ended(3000, 'request'), leadsTo: leadsTo(n), isFollowed: true, lost: true },
    }));
    const own = group(open, 0, { nature: 'worker pool' });
    for (const resource of own.open) resource.isHandedOver = shared;
    return outlivedScope(own, { ...context, scopes: names });
  };
  expect(made(() => 'resize.js')).toMatchObject(verdict('likely', 6));
  expect(made((n) => `tenant ${n}`)).toMatchObject(verdict('suspect', 6));
  expect(made(() => 'resize.js', true)).toMatchObject(verdict('suspect', 6));
});

test('outlived-scope: what waits for something else, such as a slow partner, is never more than a suspect', () => {
  const slow = group([{ scope: ended(3000) }, { scope: ended(2000) }], 50);
  for (const resource of slow.open) {
    resource.elsewhere = { what: '`fetch`', since: NOW - 4000, isPending: () => true };
  }
  expect(outlivedScope(slow, context)).toMatchObject(verdict('suspect', 2));
});

test('outlived-scope, of a pool that is being shut down: one that nobody holds is enough, work under way is none', () => {
  const ending = (open: Open, since = NOW - 3000) => {
    const own = group([open], 5);
    const { account } = own.open[0]!;
    Object.assign(account, { source: { ...account.source, pool: { endingAt: since, endedBy: null } } });
    return own;
  };
  expect(awaitedByPool(ending({ leftBehind: true }), context)).toMatchObject(verdict('likely', 1));
  expect(awaitedByPool(ending({ scope: ended(2000) }), context)).toMatchObject(verdict('likely', 1));
  expect(awaitedByPool(ending({ leftBehind: true, busy: true }), context)).toBeNull();
  expect(awaitedByPool(ending({ leftBehind: true }, NOW - 500), context)).toBeNull();
  // where flows cannot be followed
  expect(awaitedByPool(ending({}), context)).toMatchObject(verdict('suspect', 1));
});

test('outlived-scope: silent on a singleton, within the grace, while busy, and while the scope runs', () => {
  expect(outlivedScope(group([{ scope: ended(3000) }], 0), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(500) }], 50), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(3000), busy: true }], 50), context)).toBeNull();
  expect(outlivedScope(group([{ scope: { ...ended(0), ended: 0 } }], 50), context)).toBeNull();
});

test('outlived-scope: where others came back after their scope, only what is far beyond that is a suspect', () => {
  const late = { inScope: 40, afterScope: 10, longestUse: 4000 };
  expect(outlivedScope(group([{ scope: ended(10_000) }], 50, { history: late }), context)).toBeNull();
  expect(outlivedScope(group([{ scope: ended(13_000) }], 50, { history: late }), context)).toMatchObject(
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

test('superseded: at the end of the process a single later one is enough, for a short loop gets no further', () => {
  const end = { ...context, isEnd: true };
  const short = () => group([{ openedAt: NOW - 50, superseded: 1, leftBehind: true }], 4);
  expect(superseded(short(), end)).toMatchObject(verdict('likely', 1));
  expect(superseded(short(), context)).toBeNull();
  // others at this line are given back by another flow
  expect(
    superseded(group([{ openedAt: NOW - 50, superseded: 1, leftBehind: true }], 4, { history: { inFlow: 2 } }), end),
  ).toBeNull();
});

test('flow-ended: says nothing of watchers and heartbeats that are never closed, or by others', () => {
  const lost = Array.from({ length: 9 }, () => ({ lost: true }));
  expect(flowEnded(group(lost, 0), context)).toMatchObject(verdict('suspect', 9));
  expect(ownFlowEnded(group(lost, 0), context)).toBe(null);
  expect(ownFlowEnded(group(lost, 50, { history: { inFlow: 0, longestUse: 1 } }), context)).toBe(null);
  expect(ownFlowEnded(group(lost, 50), context)).toMatchObject(verdict('likely', 9));
});

test('flow-ended: only a suspect while nobody has used what a helper took after an await: its caller may hold it', () => {
  const history = { adopted: 40 };
  expect(flowEnded(group([{ lost: true }], 50, { history }), context)).toMatchObject(verdict('suspect', 1));
  expect(flowEnded(group([{ lost: true, uses: 1 }], 50, { history }), context)).toMatchObject(verdict('likely', 1));
});

test('flow-ended: likely only where every release so far was by the flow that acquired', () => {
  const gone = { lost: true };
  expect(flowEnded(group([gone], 50), context)).toMatchObject(verdict('likely', 1));
  const reaped = { inFlow: 0, longestUse: 1000 };
  expect(flowEnded(group([gone], 50, { history: reaped }), context)).toMatchObject(verdict('suspect', 1));
  expect(flowEnded(group([{ ...gone, openedAt: NOW - 2500 }], 50, { history: reaped }), context)).toBeNull();
});

test('flow-ended: without any release, silent on a few, a suspect when there are many', () => {
  const gone = { lost: true };
  expect(flowEnded(group([gone, gone, gone], 0), context)).toBeNull();
  expect(flowEnded(group(Array(5).fill(gone), 0), context)).toMatchObject(verdict('suspect', 5));
  expect(flowEnded(group(Array(12).fill({ leftBehind: true }), 0), context)).toMatchObject(verdict('suspect', 12));
});

test('held-too-long: ten times the longest known use, never more than a suspect, and only with a history', () => {
  expect(heldTooLong(group([{}], 50), context)).toMatchObject(verdict('suspect', 1));
  expect(heldTooLong(group([{}], 50, { history: { longestUse: 600 } }), context)).toBeNull();
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
  const nature = { nature: 'transaction' } as const;
  expect(openTransaction(group([{}], 0, nature), context)).toMatchObject({
    detector: 'outlived-scope',
    ...verdict('likely', 1),
  });
  expect(openTransaction(group([{ openedAt: NOW - 500 }], 0, nature), context)).toBeNull();
});

test('a pool per call: many idle pools that served next to nothing; a few, or busy ones, are none', () => {
  const nature = { nature: 'pool' } as const;
  const once = { uses: 1 };
  expect(capacity(group(Array(20).fill(once), 0, nature), context)).toMatchObject({
    detector: 'growth',
    ...verdict('likely', 20),
  });
  expect(capacity(group(Array(6).fill(once), 0, nature), context)).toMatchObject(verdict('suspect', 6));
  expect(capacity(group(Array(4).fill(once), 0, nature), context)).toBeNull();
  expect(capacity(group(Array(20).fill({ uses: 50 }), 0, nature), context)).toBeNull();
});

test('a pool per call: however often each was used, if many lead to one database; a pool for each tenant does not', () => {
  const pools = (targets: string[]) => {
    const own = group(Array(targets.length).fill({ uses: 50 }), 0, { nature: 'pool' });
    for (const [n, resource] of own.open.entries()) resource.target = targets[n]!;
    return own;
  };
  const many = (count: number, target: (n: number) => string) =>
    pools(Array.from({ length: count }, (_, n) => target(n)));
  expect(
    capacity(
      many(30, () => 'orders'),
      context,
    ),
  ).toMatchObject(verdict('likely', 30));
  expect(
    capacity(
      many(36, (n) => `tenant ${n % 3}`),
      context,
    ),
  ).toMatchObject(verdict('likely', 36));
  expect(
    capacity(
      many(8, () => 'orders'),
      context,
    ),
  ).toMatchObject(verdict('suspect', 8));
  expect(
    capacity(
      many(36, (n) => `tenant ${n}`),
      context,
    ),
  ).toBeNull();
  // for reading and for writing
  expect(
    capacity(
      many(40, (n) => `tenant ${n % 20}`),
      context,
    ),
  ).toBeNull();
  expect(
    capacity(
      many(4, () => 'orders'),
      context,
    ),
  ).toBeNull();
});

test('a pool that is left where others are ended: likely, if later ones were; what a cache keeps was used since', () => {
  const left = (openedAt: number, ended: { count: number; youngest: number; lastedMs?: number }, target = 'orders') => {
    const own = group(Array(3).fill({ openedAt, uses: 1 }), 0, { nature: 'pool' });
    for (const resource of own.open) {
      resource.target = target === 'shard' ? `shard ${own.open.indexOf(resource)}` : target;
      resource.account.released = ended.count;
      resource.account.heldReleased = ended.count * (ended.lastedMs ?? 20);
      resource.account.youngestReleased = ended.youngest;
    }
    return capacity(own, context);
  };
  const ago = (ms: number) => NOW - ms;
  expect(left(ago(9_000), { count: 4, youngest: ago(8_000) })).toMatchObject(verdict('likely', 3));
  // each to a database of its own may be pinned
  expect(left(ago(9_000), { count: 4, youngest: ago(8_000) }, 'shard')).toMatchObject(verdict('suspect', 3));
  // the last that were made, as a cache keeps them
  expect(left(ago(8_000), { count: 4, youngest: ago(9_000) })).toBeNull();
  // the others lasted long, too: it may still be used
  expect(left(ago(9_000), { count: 4, youngest: ago(8_000), lastedMs: 5_000 })).toBeNull();
  expect(left(ago(9_000), { count: 3, youngest: ago(8_000) })).toBeNull();
});

test('fail-path: what stayed open whenever an operation was made to fail is likely, with the soak’s own sentence', () => {
  const recipe = 'Stays open when the query at orders.ts:14 fails.';
  expect(failPath(group([{ recipe }, { recipe }, {}], 50), context)).toMatchObject({
    ...verdict('likely', 2),
    evidence: [recipe],
  });
  expect(failPath(group([{}], 50), context)).toBeNull();
});

test('stranded: a result set that its connection went back without is proven, since nobody can close it', () => {
  expect(stranded(group([{ stranded: true }, {}], 5, { nature: 'result set' }), context)).toMatchObject({
    detector: 'outlived-scope',
    ...verdict('proven', 1),
  });
  expect(stranded(group([{}], 5, { nature: 'result set' }), context)).toBeNull();
});

test('a loop: a timeout that is set again after its run has ended; once is a refresher that nobody minds', () => {
  const goesOn = (kind: Scope['kind']) => ({ scope: ended(5000, kind), openedAt: NOW - 100 });
  const loop = (count: number, kind: Scope['kind'] = 'job') =>
    rearmed(
      group(
        Array.from({ length: count }, () => goesOn(kind)),
        0,
        { nature: 'timeout' },
      ),
      context,
    );
  expect(loop(1)).toBeNull();
  expect(loop(2)).toMatchObject(verdict('suspect', 2));
  expect(loop(3)).toMatchObject(verdict('likely', 3));
  expect(loop(3, 'request')).toMatchObject(verdict('suspect', 3));
  const setInTime = { scope: ended(500), openedAt: NOW - 100 };
  expect(rearmed(group([setInTime, setInTime, setInTime], 0, { nature: 'timeout' }), context)).toBeNull();
});
