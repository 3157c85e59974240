import { expect, test } from 'vitest';
import {
  accountOf,
  addFloor,
  firstAlarm,
  firstAlarmOfCache,
  groupOf,
  growthOf,
  randomOf,
  watch,
} from '../bench/growth-simulation.ts';
import { type Account, Ledger, Resource } from '../probe/account/ledger.ts';
import { type Scope, Scopes } from '../probe/account/scope.ts';
import type { Site } from '../probe/account/site.ts';
import { Floors } from '../probe/judge/floors.ts';
import type { NatureName } from '../probe/recording/natures.ts';
import { benjaminiHochberg, mannKendall, theilSen, upperTail } from '../probe/recording/trend.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const MINUTE = 60_000;
const seeds = Array.from({ length: 12 }, (_, run) => 31 * run + 7);

/** Resources of a line, one from each of `openedAt`, none ever released, as seen at `at`. */
function neverReleased(openedAt: number[], at: number, nature: NatureName = 'interval') {
  const account = accountOf(nature);
  account.acquired = openedAt.length;
  const group = groupOf(
    account,
    openedAt.map((time) => ({ openedAt: time, closesAt: FOREVER })),
    new Floors(0),
  );
  return growthOf([group], at).get(group) ?? null;
}

const every = (milliseconds: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (i + 1) * milliseconds);

/** Kept forever, among others that come back at once. */
function amongPassing(kept: number[]): Generator<[number, number]> {
  const passing = every(500, 7000).map((at): [number, number] => [at, at + 100]);
  const all = [...passing, ...kept.map((at): [number, number] => [at, FOREVER])];
  return leases(all.sort((a, b) => a[0] - b[0]));
}

function* leases(list: [number, number][]): Generator<[number, number]> {
  yield* list;
}

test('Mann–Kendall agrees with the published tuna example, and errs to silence on few points', () => {
  // canned tuna's quality by rising lightness (Hollander & Wolfe, p. 185 ff.): S = 16, exact one-sided p = 0.0597
  const { s, p } = mannKendall([2.5, 4.0, 2.6, 3.6, 2.8, 3.1, 5.2, 5.0, 3.8]);
  expect(s).toBe(16);
  expect(Math.abs(p - 0.0597)).toBeLessThan(0.001);
  // eight in order: exactly 1 of 8!
  expect(mannKendall(every(1, 8)).p).toBeGreaterThan(1 / 40_320);
  expect(mannKendall(every(1, 8)).p).toBeLessThan(0.001);
  // ties: variance (5·4·15 − 3·2·11) / 18 = 13
  expect(mannKendall([1, 1, 1, 2, 3]).z).toBeCloseTo((7 - 1) / Math.sqrt(13), 10);
  expect(mannKendall([3, 3, 3, 3, 3]).p).toBe(0.5);
});

test('the normal tail is right where verdicts are made', () => {
  expect(upperTail(0)).toBe(0.5);
  expect(upperTail(1.959964)).toBeCloseTo(0.025, 7);
  expect(upperTail(-1.959964)).toBeCloseTo(0.975, 7);
  expect(upperTail(3.090232) * 1000).toBeCloseTo(1, 5);
  expect(upperTail(6) * 1e10).toBeCloseTo(9.8659, 3);
  expect(upperTail(9) * 1e19).toBeCloseTo(1.1286, 4);
});

test('Theil–Sen gives the slope 4 of Sen’s own example', () => {
  const x = [1, 2, 3, 4, 10, 12, 18];
  const y = [9, 15, 19, 20, 45, 55, 78];
  expect(theilSen(x.map((at, i) => [at, y[i] as number]))).toBe(4);
});

test('Benjamini–Hochberg rejects the four of fifteen that their paper rejects', () => {
  const ps = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
  ];
  expect(benjaminiHochberg(ps, 0.05)).toBe(0.0095);
  expect(benjaminiHochberg([0.5], 0.05)).toBe(-1);
});

test('leak-free load gives no alarm in an hour, whatever the mean hold time', () => {
  for (const holdSeconds of [1, 5, 10, 30, 60]) {
    for (const load of ['steady', 'start-up', 'day'] as const) {
      for (const holds of ['exponential', 'lognormal'] as const) {
        const plan = { perSecond: 2, load, holds, holdSeconds, leakOneIn: 0 };
        const alarms = seeds.filter((seed) => firstAlarm({ ...plan, seed }) !== null);
        expect([holdSeconds, load, holds, alarms.length]).toEqual([holdSeconds, load, holds, 0]);
      }
    }
  }
});

test('a leak of 1 in 50 on the same load is found, most of them of 1 in 200 too', () => {
  const plan = { perSecond: 10, load: 'day', holds: 'exponential', holdSeconds: 10 } as const;
  const found = (leakOneIn: number) => seeds.filter((seed) => firstAlarm({ ...plan, leakOneIn, seed }) !== null).length;
  expect(found(50)).toBe(seeds.length);
  expect(found(200)).toBeGreaterThanOrEqual(seeds.length - 1);
});

test('leases of ten minutes are no more than a suspect while the first of them have not come back', () => {
  const long = every(2000, 1800).map((at): [number, number] => [at, at + 10 * MINUTE]);
  expect(watch(leases(long), 'lease', 'likely')).toBeNull();
});

test('things for life made at a few times are no growth, though each lifts all later floors', () => {
  const forLife = [5, 20, 35, 50].flatMap((minute) => every(100, 4).map((offset) => minute * MINUTE + offset));
  expect(watch(amongPassing(forLife), 'lease', 'suspect')).toBeNull();
});

test('what is made one after the other during the first seconds, for life, is no growth', () => {
  expect(watch(amongPassing(every(3000, 14)), 'lease', 'suspect')).toBeNull();
  expect(watch(amongPassing(every(3000, 1000)), 'lease', 'suspect')).toBeLessThan(2 * MINUTE);
});

test('a leak among leases that come back is told with its slope; it goes away when the rest comes back', () => {
  const account = accountOf('lease');
  const floors = new Floors(0);
  const kept: { openedAt: number; closesAt: number }[] = [];
  const lookAt = (at: number) => {
    const group = groupOf(account, kept, floors);
    addFloor(group, at);
    return growthOf([group], at).get(group);
  };
  let verdict: ReturnType<typeof lookAt>;
  for (let at = 1000; at <= 3 * MINUTE; at += 1000) {
    account.acquired += 10;
    account.released += 9;
    account.took(100);
    kept.push({ openedAt: at, closesAt: FOREVER });
    verdict = lookAt(at);
  }
  expect(verdict?.certainty).toBe('likely');
  expect(verdict?.evidence[0]).toMatch(
    /^What stays open here rose from \d+ to 170 while 1700 were acquired in 3 min: 3600 an hour, 100 per 1,000 acquired/,
  );
  // the floor is what was there for a whole window: the last ten are not
  expect(verdict?.leaked.length).toBeGreaterThan(150);
  expect(verdict?.leaked.every(({ openedAt }) => openedAt <= 170_000)).toBe(true);
  // one was once held for longer, so these may yet come back
  account.took(5 * MINUTE);
  expect(lookAt(3 * MINUTE + 400)).toBeUndefined();
  account.useTimes.max = 100;
  expect(lookAt(3 * MINUTE + 450)?.certainty).toBe('likely');
  kept.length = 0;
  expect(lookAt(3 * MINUTE + 500)).toBeUndefined();
});

test('the more lines are judged at once, the stronger the trend that is asked for', () => {
  const rising = groupWithFloors(every(1, 8));
  const steady = Array.from({ length: 9 }, () => groupWithFloors(every(1, 8).fill(3)));
  expect(growthOf([rising], 95_000).size).toBe(1);
  expect(growthOf([rising, ...steady], 95_000).size).toBe(0);
});

test('one-shot timers are never growth: by Little’s law rate × delay of them are open', () => {
  expect(neverReleased(every(200, 60), 12_000, 'timeout')).toBeNull();
  expect(watch(amongPassing(every(3000, 1000)), 'timeout', 'suspect')).toBeNull();
});

test('an interval per user that is never cleared is a suspect within seconds, likely after half an hour', () => {
  const verdict = neverReleased(every(200, 15), 3100);
  expect(verdict).toMatchObject({ detector: 'growth', certainty: 'suspect' });
  expect(verdict?.leaked).toHaveLength(15);
  const users = () => leases(every(10_000, 360).map((at): [number, number] => [at, FOREVER]));
  expect(watch(users(), 'interval', 'likely')).toBeGreaterThanOrEqual(30 * MINUTE);
  expect(watch(users(), 'interval', 'likely')).toBeLessThan(35 * MINUTE);
  expect(watch(users(), 'lease', 'suspect')).toBeGreaterThan(5 * MINUTE);
});

/** When it is first likely, within ten minutes, where 3000 are made by this course of the time; null: not in them. */
function likelyAt(nature: NatureName, courseOf: (share: number) => number, requests?: Scopes): number | null {
  const account = accountOf(nature);
  const floors = new Floors(0);
  const held: { openedAt: number; closesAt: number; scope?: Scope }[] = [];
  // one of eight is followed
  const scopeOf = (n: number) => (requests && n % 8 === 0 ? { scope: requests.begin('GET /events', 'request') } : {});
  for (let at = 1000; at <= 10 * MINUTE; at += 1000) {
    while (held.length < Math.floor(3000 * courseOf(at / (10 * MINUTE))))
      held.push({ openedAt: at, closesAt: FOREVER, ...scopeOf(held.length) });
    account.acquired = held.length;
    if (!floors.isDue(account, at)) continue;
    const group = groupOf(account, held, floors);
    addFloor(group, at);
    if (growthOf([group], at, requests?.totals).get(group)?.certainty === 'likely') return at;
  }
  return null;
}

test('hundreds that come evenly, of which not one ever ends, are likely within ten minutes', () => {
  expect(likelyAt('interval', (share) => share)).toBeLessThan(9 * MINUTE);
});

/** 3000 intervals in ten minutes, of which the first 500 have a stack, and later one in eight, as stacks are rationed. */
function rationed(elsewhere = 0) {
  const ledger = new Ledger();
  const source = ledger.source({ adapter: 'simulated', nature: 'interval', library: 'simulated' });
  const [account, others, unknown] = [siteOf(1), siteOf(2), null].map((site) => ledger.account(source, site));
  const floors = new Floors(0);
  for (let n = 0; n < elsewhere; n++) ledger.open(new Resource(others as Account, null, 1));
  for (let n = 1; n <= 3000; n++) {
    const at = n * 200;
    ledger.open(new Resource((n < 500 || n % 8 === 0 ? account : unknown) as Account, null, at));
    if (n % 5 === 0 && floors.isDue(account as Account, at)) {
      const open = [...(account as Account).open];
      addFloor({ group: { ...groupOf(account as Account, [], floors).group }, open }, at);
    }
  }
  const open = [...(account as Account).open];
  const group = { group: { ...groupOf(account as Account, [], floors).group, open: open.length }, open };
  return growthOf([group], 10 * MINUTE).get(group)?.certainty;
}

test('so are they where most have no stack, as long as hardly another line has any', () => {
  expect(rationed()).toBe('likely');
  expect(rationed(400)).not.toBe('likely');
});

test.each<[string, NatureName, (share: number) => number]>([
  ['leases, which nobody makes so many of', 'lease', (share) => share],
  ['a few a minute', 'interval', (share) => share / 10],
  ['a cache that fills up', 'interval', (share) => (1 - Math.exp(-share)) / (1 - Math.exp(-1))],
  ['a service that starts up', 'interval', (share) => share ** 1.5],
])('but not: %s', (_, nature, courseOf) => {
  expect(likelyAt(nature, courseOf)).toBeNull();
});

test.each<NatureName>(['interval', 'listener'])(
  'nor: %s of sessions of an hour, of which some have ended',
  (nature) => {
    const random = randomOf(7);
    const sessions = every(500, 1800).map((at): [number, number] => [at, at - 60 * MINUTE * Math.log(1 - random())]);
    expect(watch(leases(sessions), nature, 'likely')).toBeNull();
  },
);

test('nor what requests that go on have, where only one of eight is followed', () => {
  const requests = new Scopes('on');
  requests.pass();
  expect(likelyAt('interval', (share) => share, requests)).toBeNull();
});

test('worker pools and heartbeats made at boot, at once or one after the other, stay silent', () => {
  expect(neverReleased(every(0.01, 64), 5000)).toBeNull();
  expect(neverReleased(every(100, 16), 5000)).toBeNull();
  const boot = every(100, 16).map((at): [number, number] => [at, FOREVER]);
  expect(watch(leases(boot), 'lease', 'suspect')).toBeNull();
});

test('intervals made in one turn of the event loop, or fewer than twelve, stay silent', () => {
  const bursts = [100, 1500, 2900].flatMap((at) => every(0.01, 8).map((offset) => at + offset));
  expect(neverReleased(bursts, 3000)).toBeNull();
  expect(neverReleased(every(250, 11), 3000)).toBeNull();
});

test('a cache that fills to a bound is never more than a suspect', () => {
  const alarms = seeds.slice(0, 4).filter((seed) => firstAlarmOfCache(500, 10, seed, 'likely') !== null);
  expect(alarms).toEqual([]);
});

test('floors stay few, whatever the time: two become one, windows get longer', () => {
  const account = accountOf('lease');
  const floors = new Floors(0);
  for (let at = 0; at <= 6 * 60 * MINUTE; at += 5000) {
    account.acquired++;
    addFloor(groupOf(account, [], floors), at);
    expect(floors.points.length).toBeLessThan(64);
  }
  expect(floors.window).toBe(160_000);
});

test('use times longer than the window start the series anew, with longer windows', () => {
  const account = accountOf('lease');
  const floors = new Floors(0);
  for (let at = 0; at <= 60_000; at += 10_000) {
    account.acquired++;
    addFloor(groupOf(account, [], floors), at);
  }
  expect(floors.points).toHaveLength(6);
  account.released = 10;
  for (let i = 0; i < 10; i++) account.took(45_000);
  account.acquired++;
  addFloor(groupOf(account, [], floors), 70_000);
  expect([floors.window, floors.points.length]).toEqual([45_000, 0]);
});

function siteOf(id: number): Site {
  const frame = { function: 'serve', file: '/srv/app.js', line: id, column: 1, user: true };
  return { id, stack: [frame], functions: [''], isMapped: [false], asyncFrom: 1, user: [0] };
}

/** Half of what was acquired in each window came back, the rest stays and makes these floors. */
function groupWithFloors(values: number[]) {
  const account = accountOf('lease');
  const floors = new Floors(0);
  const held: { openedAt: number; closesAt: number }[] = [];
  let group = groupOf(account, held, floors);
  values.forEach((floor, i) => {
    for (; held.length < floor + 1; ) held.push({ openedAt: i * 10_000 + 1000 + held.length, closesAt: FOREVER });
    account.acquired += 10;
    account.released += 9;
    account.took(10);
    group = groupOf(account, held, floors);
    addFloor(group, (i + 1) * 10_000 + 5000);
  });
  return group;
}
