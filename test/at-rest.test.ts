import { expect, test } from 'vitest';
import { Ledger, Resource } from '../probe/account/ledger.ts';
import type { Known } from '../probe/account/resource.ts';
import { ABORTED, type Scope, Scopes } from '../probe/account/scope.ts';
import type { Site } from '../probe/account/site.ts';
import type { Context } from '../probe/judge/detectors/detector.ts';
import { leftAtRest } from '../probe/judge/detectors/growth/at-rest.ts';
import { Groups } from '../probe/judge/groups.ts';

// What a line made one after the other and left, once work there is over: outside of scopes, in programs of any length.

const NOW = 10_000;

/** `app.js:LINE`, called by `app.js:CALLER`; of a library when it is not the user's. */
function siteAt(line: number, caller: number, user = true): Site {
  const frame = (at: number) => ({ file: '/app.js', line: at, column: 1, function: '', user });
  const stack = [frame(line), frame(caller)];
  return { id: caller, stack, functions: ['', ''], isMapped: [false, false], asyncFrom: 2, user: user ? [0, 1] : [0] };
}

const requests = new Scopes('on');
const inRequest = () => requests.begin('GET /events', 'request');
const inEndedRequest = () => {
  const scope = inRequest();
  requests.end(scope, null);
  return scope;
};

/** Its client left before the response was sent. */
const inLeftRequest = (): Scope => ({ ...inRequest(), name: 'GET /events', ended: 500, failedWith: ABORTED });
const lost = { deref: () => undefined } as WeakRef<object>;

interface Made extends Known {
  scope?: Scope;
  /** No continuation of the code that made it is left. */
  hasLostFlow?: boolean;
  at?: number;
  caller?: number;
  usedAt?: number;
}

/** The verdict on what one line made, of which `released` more have ended after a moment. */
function verdictOn(made: Made[], { released = 0, at = NOW, user = true, isBusy = false } = {}) {
  const ledger = new Ledger();
  const source = ledger.source({ adapter: 'timers', nature: 'interval', library: 'setInterval' });
  made.forEach(({ at: openedAt = 100, caller = 7, usedAt = openedAt, scope = null, hasLostFlow, ...known }, n) => {
    const account = ledger.account(source, siteAt(3, caller, user));
    const open = () => new Resource(account, scope, openedAt, { turn: n + 1, ...known });
    for (let other = 0; n === 0 && other < released; other++) {
      const resource = open();
      ledger.open(resource);
      ledger.close(resource, openedAt + 20);
    }
    const resource = open();
    ledger.open(resource);
    resource.lastUsedAt = usedAt;
    if (hasLostFlow) resource.flow = { mark: lost, token: lost };
  });
  const scopes = new Scopes('on');
  if (isBusy) scopes.pass();
  const context: Context = {
    ...{
      at,
      collectedAt: at,
      triedAt: at,
      graceMs: 1000,
      heldMs: 0,
      scopes: scopes.totals,
      growthLimit: -1,
      timersAlone: () => null,
      isEnd: false,
      ending: null,
    },
  };
  const [group] = new Groups(ledger).open(at);
  const picks = group && leftAtRest.picks(group, context);
  const picked = group?.accounts.flatMap(({ open }) => [...open]).filter((resource) => picks?.(resource)) ?? [];
  const verdict = group && picked.length > 0 ? leftAtRest.concludes(picked, group, context) : null;
  return verdict && [verdict.certainty, verdict.leaked.length];
}

const times = (count: number, made: (n: number) => Made = () => ({})) =>
  Array.from({ length: count }, (_, n) => made(n));

test.each<[string, Made[], Parameters<typeof verdictOn>[1], unknown]>([
  ['two', times(2), {}, null],
  ['three', times(3), {}, ['suspect', 3]],
  ['eight', times(8), {}, ['likely', 8]],
  ['four, where others have ended', times(4), { released: 4 }, ['likely', 4]],
  ['four, each of a native context', times(4, () => ({ isOfContext: true })), {}, ['likely', 4]],
  ['eight in one go', times(8, () => ({ turn: 1 })), {}, null],
  ['eight by code that no user frame called', times(8), { user: false }, null],
  ['eight just now', times(8), { at: 600 }, null],
  ['eight, a minute and more ago', times(8), { at: 70_000 }, null],
  ['eight by eight callers of a helper', times(16, (n) => ({ caller: n + 10 })), {}, null],
  ['eight, and one by another caller', times(9, (n) => ({ caller: n === 0 ? 9 : 7 })), {}, ['likely', 9]],
  ['eight that are used once all are made', times(16, (n) => ({ at: 100 + n, usedAt: 3000 })), {}, null],
  ['eight of connections that are open', times(8, () => ({ isHosted: () => true })), {}, null],
  ['eight of connections that are closed', times(8, () => ({ isHosted: () => false })), {}, ['likely', 8]],
  ['eight that lead to eight places', times(16, (n) => ({ leadsTo: () => `queue ${n}` })), {}, null],
  ['eight that lead to one place', times(8, () => ({ leadsTo: () => 'queue' })), {}, ['likely', 8]],
  ['twenty that lead to twenty places', times(20, (n) => ({ leadsTo: () => `queue ${n}` })), {}, ['likely', 20]],
  ['eight that are busy', times(8, () => ({ isBusy: () => true })), {}, null],
])('%s', (_, made, options, expected) => {
  expect(verdictOn(made, options)).toEqual(expected);
});

// Their handlers may go on.
test.each<[string, Made[], number, unknown]>([
  ['left a moment ago', times(20, () => ({ scope: inLeftRequest() })), NOW, null],
  [
    'left, and nothing of it goes on',
    times(20, () => ({ scope: inLeftRequest(), hasLostFlow: true })),
    NOW,
    ['likely', 20],
  ],
  ['left more than a minute ago', times(20, () => ({ scope: inLeftRequest(), at: 5000 })), 64_000, ['likely', 20]],
])('of requests whose clients have %s', (_, made, at, expected) => {
  expect(verdictOn(made, { at })).toEqual(expected);
});

// One of 256 requests is followed; those of a stream of events go on.
test.each<[string, Made[], unknown]>([
  ['of a request that goes on one is known', times(16, (n) => (n === 0 ? { scope: inRequest() } : {})), null],
  [
    'of a request that has ended one is known',
    times(16, (n) => (n === 0 ? { scope: inEndedRequest() } : {})),
    ['likely', 16],
  ],
  ['of no request anything is known', times(16), ['suspect', 16]],
  ['so many that at least one were known', times(1179), ['likely', 1179]],
])('where not all requests are followed: %s', (_, made, expected) => {
  expect(verdictOn(made, { isBusy: true })).toEqual(expected);
});
