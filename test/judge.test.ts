/** The judge on a real ledger: looks in slices, what it need not look at again, and how verdicts become findings. */
import { beforeEach, expect, test } from 'vitest';
import { type Account, Ledger, Resource } from '../probe/account/ledger.ts';
import type { Known } from '../probe/account/resource.ts';
import { type Scope, Scopes } from '../probe/account/scope.ts';
import type { Site } from '../probe/account/site.ts';
import { Judge, type Judgement } from '../probe/judge/judge.ts';
import { NATURE_NAMES, NATURES, type NatureName, RULES } from '../probe/recording/natures.ts';

const NOW = 100_000;
/** Long enough ago for everything, and one window of growth ago. */
const LONG_AGO = NOW - 15_000;

let ledger: Ledger;
let scopes: Scopes;
let judge: Judge;
/** Resources that were looked at, each time counted. */
let looks: number;
beforeEach(() => {
  ledger = new Ledger();
  scopes = new Scopes('off');
  judge = new Judge(ledger, scopes, { graceMs: 1000, heldMs: 0 });
  looks = 0;
});

/** A stack, innermost first: `helper:10 orders:5`; what has no line is a library's. */
function siteOf(text: string): Site {
  const stack = text.split(' ').map((frame) => {
    const [name = '', line] = frame.split(':');
    return { file: `/${name}.js`, line: Number(line ?? 0), column: 1, function: name, user: line !== undefined };
  });
  return {
    id: ++lastSite,
    stack,
    functions: stack.map((frame) => frame.function),
    isMapped: [],
    asyncFrom: stack.length,
    user: stack.flatMap(({ user }, index) => (user ? [index] : [])),
  };
}
let lastSite = 0;

function accountOf(site: Site | null, nature: NatureName = 'lease', library = 'pg'): Account {
  const known = [...ledger.sources].find((source) => source.library === library && source.natureName === nature);
  return ledger.account(known ?? ledger.source({ adapter: 'pg', nature, library }), site);
}

function open(account: Account, openedAt = LONG_AGO, scope: Scope | null = null, known: Known = {}): Resource {
  const isGone = () => {
    looks++;
    return false;
  };
  const resource = new Resource(account, scope, openedAt, { isGone, ...known });
  ledger.open(resource);
  return resource;
}

/** A job run that ended just after it had begun. */
function ended(began = LONG_AGO): Scope {
  const scope = scopes.begin('order', 'job');
  scope.ended = began + 10;
  scopes.totals.get('order')!.ended++;
  return scope;
}

/** Job runs that each took one and left it open; others gave theirs back in time. */
function leaking(account: Account, count: number): Resource[] {
  for (let i = 0; i < 20; i++) {
    const resource = open(account, LONG_AGO - 1000, ended(LONG_AGO - 1000));
    resource.scope!.ended = 0;
    ledger.close(resource, LONG_AGO - 995);
    resource.scope!.ended = LONG_AGO - 990;
  }
  return Array.from({ length: count }, (_, i) => open(account, LONG_AGO + i / count, ended()));
}

/** The same, whatever becomes of the others: a soak has proven it. */
function proven(account: Account, count: number): Resource[] {
  const leaked = leaking(account, count);
  for (const resource of leaked) resource.recipe = 'Stays open when the query at orders.js:6 fails.';
  return leaked;
}

/** Looks in slices; `between` is called before each but the first. Returns how many were looked at in each. */
function inSlices(at: number, between: (slice: number) => void = () => {}): { judgement: Judgement; sizes: number[] } {
  const looking = judge.looking(at);
  const sizes: number[] = [];
  for (;;) {
    looks = 0;
    const { done, value } = looking.next();
    sizes.push(looks);
    if (done) return { judgement: value, sizes };
    between(sizes.length);
  }
}
const look = (at: number) => inSlices(at).judgement;

const total = (sizes: number[]) => sizes.reduce((sum, size) => sum + size, 0);
const findings = () => [...judge.findings.values()];
const evidence = () => findings().flatMap((finding) => finding.evidence);

test('a slice looks at some hundred of a large group, or at one group', () => {
  leaking(accountOf(siteOf('orders:5')), 1000);
  for (let line = 1; line <= 20; line++) leaking(accountOf(siteOf(`stock:${line}`)), 200);
  const { sizes } = inSlices(LONG_AGO + 5000);
  expect(total(sizes)).toBe(1000 + 20 * 200);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
  expect(findings().map(({ count }) => count)).toEqual([1000, ...Array(20).fill(200)]);
});

test('at the end of a window of growth no slice counts more than some thousand', () => {
  look(LONG_AGO - 2000);
  for (let line = 1; line <= 6; line++) {
    const account = accountOf(siteOf(`stock:${line}`));
    for (let i = 0; i < (line === 1 ? 5000 : 1500); i++) open(account, LONG_AGO);
  }
  look(LONG_AGO + 500);
  const { sizes } = inSlices(LONG_AGO + 11_000);
  expect(total(sizes)).toBeGreaterThanOrEqual(5000 + 5 * 1500);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2048);
});

test('what is closed between slices, looked at or not, is not in the finding', () => {
  const leaked = leaking(accountOf(siteOf('orders:5')), 1000);
  inSlices(NOW, (slice) => {
    if (slice === 2) for (let i = 0; i < 1000; i++) if (i % 10 < 3) ledger.close(leaked[i]!, NOW);
  });
  expect(findings()).toMatchObject([{ count: 700, certainty: 'likely' }]);
  expect(evidence()).toContainEqual(expect.stringMatching(/^700 not used for more than/));
});

test('… and what is all closed is no finding, but for what was written down before', () => {
  const counts: (number | undefined)[] = [];
  for (let slice = 1, isOver = false; !isOver; slice++) {
    const leaked = leaking(accountOf(siteOf(`orders:${slice}`)), 1000);
    isOver = true;
    inSlices(NOW, (each) => {
      if (each !== slice) return;
      isOver = false;
      for (const resource of leaked) ledger.close(resource, NOW);
    });
    counts.push(findings()[0]?.count);
    for (const resource of leaked) ledger.close(resource, NOW);
  }
  expect(counts.slice(0, 6)).toEqual(Array(6).fill(undefined));
  expect(counts.filter((count) => count === 1000)).toHaveLength(2);
  expect(counts).not.toContain(0);
  // the next look knows of all
  expect(look(NOW + 1).withdrawn).toHaveLength(1);
  expect(findings()).toEqual([]);
});

test('what is opened between slices does no harm, nor do lines that are new', () => {
  const account = accountOf(siteOf('orders:5'));
  leaking(account, 1000);
  let opened = 0;
  const { judgement } = inSlices(NOW, (slice) => {
    for (let i = 0; i < 10; i++) open(account, NOW + slice);
    open(accountOf(siteOf(`new:${slice}`)), NOW + slice);
    opened += 10;
  });
  expect(opened).toBeGreaterThan(0);
  expect(findings()).toMatchObject([{ count: 1000, acquired: 1020 }]);
  expect(judgement.withdrawn).toEqual([]);
  expect(look(NOW + 100).changed.size).toBe(1);
  expect(findings()).toMatchObject([{ count: 1000, acquired: 1020 + opened }]);
});

test('a look that is broken off leaves nothing behind', () => {
  const leaked = proven(accountOf(siteOf('orders:5')), 1000);
  const looking = judge.looking(NOW);
  for (let slice = 0; slice < 3; slice++) looking.next();
  looking.return(undefined as never);
  for (const resource of leaked.slice(1)) ledger.close(resource, NOW);
  judge.judge(NOW + 1);
  expect(findings()).toMatchObject([{ count: 1, detector: 'fail-path' }]);
});

test('a large group in which nothing has happened is not looked at again, and its finding stands', () => {
  const leaked = proven(accountOf(siteOf('orders:5')), 100);
  look(NOW);
  look(NOW + 500);
  const [before] = findings();
  const { judgement, sizes } = inSlices(NOW + 1000);
  expect(total(sizes)).toBe(0);
  expect(judgement).toMatchObject({ changed: new Map(), withdrawn: [] });
  expect(judgement.openSites()).toMatchObject([{ open: 100, acquired: 120, released: 20 }]);
  expect(findings()).toEqual([before]);
  expect(before).toMatchObject({ count: 100, certainty: 'likely' });

  ledger.close(leaked[50]!, NOW + 1200);
  expect(total(inSlices(NOW + 1500).sizes)).toBe(99);
  expect(findings()).toMatchObject([{ count: 99 }]);
});

test('a whole look is at all of it', () => {
  leaking(accountOf(siteOf('orders:5')), 100);
  look(NOW);
  look(NOW + 500);
  expect(total(inSlices(NOW + 1000).sizes)).toBe(0);
  looks = 0;
  judge.judge(NOW + 1500);
  expect(looks).toBe(100);
  looks = 0;
  [...judge.looking(NOW + 2000, { isWhole: true })];
  expect(looks).toBe(100);
});

test('a small group is looked at each time, a large one of which nothing is of age is not', () => {
  leaking(accountOf(siteOf('orders:5')), 3);
  const young = accountOf(siteOf('stock:7'));
  for (let i = 0; i < 100; i++) open(young, NOW - 100, ended(NOW - 50));
  expect(total(inSlices(NOW).sizes)).toBe(103);
  expect(total(inSlices(NOW + 500).sizes)).toBe(3);
  expect(total(inSlices(NOW + 2000).sizes)).toBe(103);
  expect(findings().map(({ count }) => count)).toEqual([3, 100]);
});

test('when all of a large group came back and others are open, nothing is said that is over', () => {
  const [leaky, idle] = [accountOf(siteOf('orders:5')), accountOf(siteOf('orders:6'))];
  const handle = new WeakRef({});
  const before = [...proven(leaky, 100), ...Array.from({ length: 100 }, () => open(idle, LONG_AGO, null, { handle }))];
  expect(look(NOW).changed.size).toBe(1);
  expect(judge.awaitsCollection).toBe(true);
  for (const resource of before) ledger.close(resource, NOW);
  for (const account of [leaky, idle]) for (let i = 0; i < 100; i++) open(account, NOW + 100);
  const { withdrawn, openSites } = look(NOW + 500);
  expect(withdrawn).toHaveLength(1);
  expect(judge.awaitsCollection).toBe(false);
  expect(openSites()).toMatchObject([
    { open: 100, acquired: 220, released: 120 },
    { open: 100, acquired: 200, released: 100 },
  ]);
});

test('what was opened on something that leaks is one sentence of its finding', () => {
  const resultSets = accountOf(siteOf('orders:6'), 'result set', 'oracledb result set');
  const lobs = accountOf(siteOf('orders:7'), 'LOB', 'oracledb LOB');
  const connections = leaking(accountOf(siteOf('orders:5'), 'lease', 'oracledb'), 3);
  for (const owner of connections) for (let i = 0; i < 2; i++) open(resultSets, LONG_AGO, owner.scope, { owner });
  open(lobs, LONG_AGO, connections[0]!.scope, { owner: connections[0]! });
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ kind: 'connection', count: 3 }]);
  expect(evidence()).toContain('Opened on them and not closed either: 6 result sets, 1 LOB.');
  // the other lines have something open all the same
  expect(judge.judge(NOW + 1).openSites()).toHaveLength(3);
});

test('… which is told once, however often there is nothing new', () => {
  const connections = leaking(accountOf(siteOf('orders:5'), 'lease', 'oracledb'), 100);
  const resultSets = accountOf(siteOf('orders:6'), 'result set', 'oracledb result set');
  for (const owner of connections) open(resultSets, LONG_AGO, owner.scope, { owner });
  for (let i = 0; i < 5; i++) look(NOW + 500 * i);
  const told = evidence().filter((sentence) => sentence.startsWith('Opened on them'));
  expect(told).toEqual(['Opened on them and not closed either: 100 result sets.']);
});

test('what was opened on something that is in use is judged by itself', () => {
  const connection = open(accountOf(siteOf('orders:5'), 'lease', 'oracledb'));
  const resultSets = accountOf(siteOf('orders:6'), 'result set', 'oracledb result set');
  for (let i = 0; i < 3; i++) open(resultSets, LONG_AGO, ended(), { owner: connection });
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ kind: 'stream', count: 3 }]);
  expect(evidence().join()).not.toContain('Opened on them');
});

/** A heartbeat that was set in the flow of a connection and cleared with it, as often as that. */
function heartbeats(times: number): { connections: Account; beats: Account } {
  const connections = accountOf(siteOf('sessions:5'));
  const beats = accountOf(siteOf('sessions:6'), 'interval', 'setInterval');
  for (let i = 0; i < times; i++) {
    const at = 1000 * i;
    const connection = open(connections, at);
    const beat = open(beats, at);
    beat.accompanies(connection);
    ledger.close(beat, at + 500);
    ledger.close(connection, at + 500);
  }
  return { connections, beats };
}

/** Sessions of job runs that have ended, each with its heartbeat; the connections in use or idle. */
function sessions({ connections, beats }: ReturnType<typeof heartbeats>, isBusy: boolean): void {
  for (let i = 0; i < 3; i++) {
    const scope = ended();
    const connection = open(connections, LONG_AGO, scope, { isBusy: () => isBusy });
    open(beats, LONG_AGO, scope).accompanies(connection);
  }
}

test('a heartbeat that always ended with its connection is not judged while that is open', () => {
  sessions(heartbeats(10), true);
  judge.judge(NOW);
  expect(findings()).toEqual([]);
});

test('… with fewer that ended so it is', () => {
  sessions(heartbeats(9), true);
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ kind: 'timer', count: 3 }]);
});

test('where the connection leaks, its heartbeat is a sentence there', () => {
  sessions(heartbeats(10), false);
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ kind: 'connection', count: 3 }]);
  expect(evidence()).toContain('Opened on them and not closed either: 3 timers.');
});

test('of equally certain verdicts the one that stands first in the table of natures names the finding', () => {
  const leaked = leaking(accountOf(siteOf('orders:5')), 2);
  leaked[0]!.recipe = 'Stays open when the query at orders.js:6 fails.';
  judge.judge(NOW);
  // outlived-scope is as likely
  expect(findings()).toMatchObject([{ detector: 'fail-path', certainty: 'likely', count: 2 }]);
  expect(evidence()).toEqual([
    'Stays open when the query at orders.js:6 fails.',
    expect.stringMatching(/^Still open and idle after its job run had ended/),
    expect.stringMatching(/^2 not used for more than/),
  ]);
});

test('… but a more certain one goes before', () => {
  const [leaked] = leaking(accountOf(siteOf('orders:5')), 1);
  Object.defineProperty(leaked, 'isLeftBehind', { value: true });
  leaked!.superseded = 3;
  judge.judge(NOW);
  // outlived-scope comes first, but of one run it is a suspect
  expect(findings()).toMatchObject([{ detector: 'superseded', certainty: 'likely', count: 1 }]);
});

test('every nature is shown to its rules in the order that they have themselves', () => {
  for (const name of NATURE_NAMES) {
    const { judgedBy } = NATURES[name];
    expect(RULES.filter((rule) => judgedBy.includes(rule))).toEqual(judgedBy);
  }
});

test('what leaked without a stack belongs to the line that is known to leak, and is added to it once', () => {
  leaking(accountOf(siteOf('orders:5')), 100);
  leaking(accountOf(null), 30);
  for (let i = 0; i < 4; i++) look(NOW + 500 * i);
  expect(findings()).toMatchObject([{ count: 130, estimated: true }]);
});

test('a line to blame for what a helper takes at two of its own is one finding', () => {
  const sites = ['helper:10 orders:5', 'helper:20 orders:5'].map(siteOf);
  for (const site of sites) {
    const account = accountOf(site);
    account.releases.push(siteOf('orders:9'));
    leaking(account, 2);
  }
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ count: 4, acquired: 44, released: 40, frame: 1 }]);
});

test('the frame to blame is found in the stack that leaks, whichever way that came there', () => {
  const usual = accountOf(siteOf('helper:10 orders:5'));
  usual.releases.push(siteOf('orders:9'));
  leaking(usual, 0);
  open(usual, NOW);
  const retried = accountOf(siteOf('helper:10 retry orders:5'));
  leaking(retried, 2);
  judge.judge(NOW);
  expect(findings()).toMatchObject([{ site: retried.site!.id, frame: 2, count: 2 }]);
});

test('what only a collection ends is judged by one that came when its job run was over', () => {
  const account = accountOf(siteOf('context:4 order:2'), 'context', 'node:vm');
  const began = NOW - 30_000;
  for (let i = 0; i < 5; i++) {
    const run = ended(began);
    run.ended = began + 20_000;
    open(account, began + i, run);
  }
  const found = (collectedAt: number) => judge.judge(NOW, { collectedAt }).changed.size;
  // while the job ran they were in use, and right after it others may still have been at work
  expect(found(began + 10_000)).toBe(0);
  expect(found(began + 20_500)).toBe(0);
  expect(judge.awaitsCollection).toBe(true);
  expect(found(NOW)).toBe(1);
});
