/**
 * How often growth cries wolf in an hour of leak-free work, and how soon it finds a leak. `npm run simulate [runs]`
 * prints both tables; seeds are fixed. Time is simulated: the probe's own Floors and growthOf see every half second
 * what they would see in a service (only looks on which no new floor is due are left out: they change no p-value).
 */
import { pathToFileURL } from 'node:url';
import { type Account, Ledger, Resource } from '../probe/account/ledger.ts';
import type { Scope } from '../probe/account/scope.ts';
import type { Context, Group, Verdict } from '../probe/judge/detectors/detector.ts';
import { Floors } from '../probe/judge/floors.ts';
import { growthLimitOf } from '../probe/judge/judge.ts';
import { DETECTOR_OF } from '../probe/judge/rules.ts';
import type { Certainty } from '../probe/recording/format.ts';
import type { NatureName } from '../probe/recording/natures.ts';

const HOUR = 3_600_000;
const LOOK = 500;

/** `day`: three times the rate at half past. `start-up`: from nothing to the full rate in ten minutes. */
export type Load = 'steady' | 'start-up' | 'day';
/** `mixed`: 1 in 20 takes 21 times as long as the others. `lognormal`: σ = 1; `heavy`: σ = 1.5. */
export type Holds = 'exponential' | 'lognormal' | 'heavy' | 'mixed';

export interface Plan {
  perSecond: number;
  load: Load;
  holds: Holds;
  /** Mean. */
  holdSeconds: number;
  /** 0: none. */
  leakOneIn: number;
  seed: number;
}

/** When the first verdict of at least `certainty` came, milliseconds, or null if none did within the hour. */
export function firstAlarm(plan: Plan, certainty: Certainty = 'suspect'): number | null {
  const random = randomOf(plan.seed);
  const stationary = plan.perSecond / 1000;
  const peak = stationary * (plan.load === 'day' ? 3 : 1);
  const arrivals = function* (): Generator<[number, number]> {
    for (let at = 0; ; ) {
      at += exponential(random) / peak;
      if (random() * peak >= stationary * shareOf(plan.load, at)) continue;
      const isLeak = plan.leakOneIn > 0 && random() * plan.leakOneIn < 1;
      yield [at, isLeak ? Number.POSITIVE_INFINITY : at + hold(plan.holds, random) * plan.holdSeconds * 1000];
    }
  };
  return watch(arrivals(), 'lease', certainty);
}

/** A cache that makes an interval per key at its first request, keys being equally popular, and keeps it. */
export function firstAlarmOfCache(keys: number, perSecond: number, seed: number, certainty: Certainty): number | null {
  const random = randomOf(seed);
  const known = new Set<number>();
  const arrivals = function* (): Generator<[number, number]> {
    for (let at = 0; at < HOUR; ) {
      at += (exponential(random) / perSecond) * 1000;
      const key = Math.floor(random() * keys);
      if (!known.has(key)) yield [at, Number.POSITIVE_INFINITY];
      known.add(key);
    }
  };
  return watch(arrivals(), 'interval', certainty);
}

interface Held {
  openedAt: number;
  closesAt: number;
  scope?: Scope;
}

/** Lets the probe look at [opened, closes] pairs, in order of opening, for an hour. */
export function watch(arrivals: Iterator<[number, number]>, nature: NatureName, certainty: Certainty): number | null {
  const account = accountOf(nature);
  const floors = new Floors(0);
  let open: Held[] = [];
  let next = arrivals.next();
  for (let at = LOOK; at <= HOUR; at += LOOK) {
    for (; !next.done && next.value[0] <= at; next = arrivals.next()) {
      account.acquired++;
      open.push({ openedAt: next.value[0], closesAt: next.value[1] });
    }
    // a young never-released group is judged at every look
    if (!floors.isDue(account, at) && (nature === 'lease' || account.released > 0)) continue;
    const gone = open.filter(({ closesAt }) => closesAt <= at).sort((a, b) => a.closesAt - b.closesAt);
    if (account.source.nature.isTimed) for (const { openedAt, closesAt } of gone) account.took(closesAt - openedAt);
    account.released += gone.length;
    open = open.filter(({ closesAt }) => closesAt > at);
    const group = groupOf(account, open, floors);
    addFloor(group, at);
    const verdict = growthOf([group], at).get(group);
    if (verdict && (certainty === 'suspect' || verdict.certainty === certainty)) return at;
  }
  return null;
}

/** Without a stack. */
export function accountOf(nature: NatureName): Account {
  const ledger = new Ledger();
  return ledger.account(ledger.source({ adapter: 'simulated', nature, library: 'simulated' }), null);
}

/** A group, and what is open in it. */
export interface Simulated {
  group: Group;
  open: Resource[];
}

export function groupOf(account: Account, held: readonly Held[], floors: Floors): Simulated {
  const { acquired, released, source, useTimes } = account;
  const history = {
    released,
    inScope: 0,
    afterScope: 0,
    inFlow: 0,
    uses: useTimes.count,
    adopted: 0,
    longestUse: useTimes.max,
  };
  const open = held.map(({ openedAt, scope = null }) => new Resource(account, scope, openedAt));
  const counts = { open: open.length, acquired, released };
  return { group: { key: '', source, frame: -1, accounts: [account], floors, history, rests: [], ...counts }, open };
}

/** As the judge does at each look. */
export function addFloor({ group, open }: Simulated, at: number): void {
  const start = group.floors.startOfWindow(group, at);
  if (start === null) return;
  group.floors.add(open.filter(({ openedAt }) => openedAt <= start).length, group.acquired, at);
}

/** Growth's verdicts on groups that are judged together. */
export function growthOf(
  simulated: readonly Simulated[],
  at: number,
  scopes: Context['scopes'] = new Map(),
): Map<Simulated, Verdict> {
  const growthLimit = growthLimitOf(simulated.map(({ group }) => group));
  const context: Context = {
    ...{ at, collectedAt: at, triedAt: at, graceMs: 1000, heldMs: 0, scopes, growthLimit, isEnd: false, ending: null },
    timersAlone: () => null,
  };
  const verdicts = new Map<Simulated, Verdict>();
  for (const each of simulated) {
    const rules = each.group.source.nature.judgedBy.filter((rule) => rule.startsWith('growth/'));
    const [verdict] = rules.flatMap((rule): Verdict[] => {
      const { detector, picks, concludes } = DETECTOR_OF[rule];
      const isPicked = picks(each.group, context);
      const concluded = isPicked && concludes(each.open.filter(isPicked), each.group, context);
      return concluded ? [{ detector, ...concluded }] : [];
    });
    if (verdict) verdicts.set(each, verdict);
  }
  return verdicts;
}

/** mulberry32: small, fast, and the same everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const exponential = (random: () => number): number => -Math.log(1 - random());

/** Of mean 1. */
function hold(holds: Holds, random: () => number): number {
  if (holds === 'exponential') return exponential(random);
  if (holds === 'mixed') return (random() < 0.95 ? 0.5 : 10.5) * exponential(random);
  const sigma = holds === 'lognormal' ? 1 : 1.5;
  const normal = Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
  return Math.exp(sigma * normal - sigma ** 2 / 2);
}

/** Of the stationary rate. */
function shareOf(load: Load, at: number): number {
  if (load === 'steady') return 1;
  if (load === 'start-up') return Math.min(1, at / 600_000);
  return 1 + 2 * (1 - Math.abs((2 * at) / HOUR - 1));
}

const HOLD_SECONDS = [1, 5, 10, 30, 60];
const RATES = [0.5, 2, 10, 50];

function main(runs: number): void {
  const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);
  const header = (...cells: string[]) => {
    row(...cells);
    row(...cells.map(() => '---'));
  };
  const times = (plan: Omit<Plan, 'seed'>, count: number, certainty?: Certainty): number[] =>
    Array.from({ length: count }, (_, run) => firstAlarm({ ...plan, seed: 7919 * run + 1 }, certainty))
      .filter((at) => at !== null)
      .sort((a, b) => a - b);

  console.log(`Alarms in ${runs} leak-free hours each (likely / suspect or likely), all mean hold times together:\n`);
  header('load', 'hold times', ...RATES.map((rate) => `${rate}/s`));
  for (const load of ['steady', 'start-up', 'day'] as const) {
    for (const holds of ['exponential', 'lognormal', 'heavy', 'mixed'] as const) {
      const cells = RATES.map((perSecond) => {
        // the busiest cells are run less often: they take long and, with many to count, alarm least
        const each = perSecond === 50 ? Math.ceil(runs / 5) : runs;
        const count = (certainty: Certainty): number =>
          HOLD_SECONDS.reduce((sum, holdSeconds) => {
            const plan = { perSecond, load, holds, holdSeconds, leakOneIn: 0 };
            return sum + times(plan, each, certainty).length;
          }, 0);
        const any = count('suspect');
        return `${any === 0 ? 0 : count('likely')} / ${any} of ${each * HOLD_SECONDS.length}`;
      });
      row(load, holds, ...cells);
    }
  }

  console.log('\nCaches that fill to a bound and stop, 50 hours each:\n');
  header('keys', 'requests/s', 'mean time to fill', 'likely', 'suspect or likely');
  for (const [keys, perSecond] of [
    [200, 10],
    [1000, 10],
    [500, 2],
    [3000, 5],
  ] as const) {
    const seeds = Array.from({ length: 50 }, (_, run) => 104729 * run + 1);
    const count = (certainty: Certainty) =>
      seeds.filter((seed) => firstAlarmOfCache(keys, perSecond, seed, certainty) !== null).length;
    const minutes = (keys * Math.log(keys)) / perSecond / 60;
    row(keys, perSecond, `${minutes.toFixed(0)} min`, count('likely'), count('suspect'));
  }

  const leaky = Math.ceil(runs / 5);
  console.log(`\nLeaks found within the hour of ${leaky} runs each, and median minutes to the first finding:\n`);
  header('leak', 'load', 'hold times', 'mean', ...RATES.map((rate) => `${rate}/s`));
  for (const leakOneIn of [50, 200, 1000]) {
    for (const load of ['steady', 'day'] as const) {
      for (const holds of ['exponential', 'lognormal'] as const) {
        for (const holdSeconds of HOLD_SECONDS) {
          const cells = RATES.map((perSecond) => {
            const found = times({ perSecond, load, holds, holdSeconds, leakOneIn }, leaky);
            const middle = found[found.length >> 1];
            return middle === undefined
              ? '0 %'
              : `${Math.round((found.length / leaky) * 100)} %, ${(middle / 60_000).toFixed(0)}`;
          });
          row(`1 in ${leakOneIn}`, load, holds, `${holdSeconds} s`, ...cells);
        }
      }
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(Number(process.argv[2] ?? 100));
