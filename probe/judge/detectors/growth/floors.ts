/**
 * growth: what stays open at a line rises while work goes on.
 *
 * Judged on floors (see floors.ts) by Mann–Kendall, and over all groups of a judgement at once by Benjamini–Hochberg.
 * Floors remember (one singleton for life lifts all later ones), so a trend alone proves nothing: what the first half
 * of the time left behind must still be there, older than any that came back, and the second half must have left as
 * much again. Repeated looks: a test is made only when a window has passed, on floors that overlap with those of the
 * look before, and each on the same small rate (see judge.ts); that this is small enough for an hour of looks is by simulation
 * (bench/growth-simulation.ts, docs/detection.md), not by theory.
 *
 * False positives it avoids: load going up and down, start-up, bursts and singletons (`PLACES`), caches and worker
 * pools that fill to a bound (the second half has little), one-shot timers: by Little's law rate × delay of them are
 * open without any leak, and each is innocent until past due.
 * Where less than half came back, it is likely after half an hour, and sooner where each quarter of the time left hundreds
 * and as many as the others, unless some came back and nobody timed after how long: what fills up leaves less and less,
 * and what starts up more and more.
 * Not avoided: a cache that fills evenly (a suspect; likely from half an hour on, or once thousands of it show no bend)
 * until it is full; hundreds that all are to stay for longer than `EVEN.afterMs`, of which not one has ended before;
 * leases of which a few take many times longer than all that came back yet; a heartbeat per connection before ten have
 * left; and N long-lived workers made one by one at boot, suspects until they were as long without a new one as boot took.
 * False negatives: fewer than `PLACES` leaks; a lease held once, and given back, for longer than half the look-back;
 * a pool used up within five windows; most of a run that is shorter than eight windows.
 */
import type { Account, Resource } from '../../../account/ledger.ts';
import { theilSen } from '../../../recording/trend.ts';
import type { Context, Detector } from '../detector.ts';
import { isScopeOver } from '../over.ts';
import { mayGoOn } from '../unfollowed.ts';
import { span } from '../words.ts';

/** Points before a group is tested; the rate of false alarms (see judge.ts) asks for eight in practice. */
export const POINTS = 5;
/** Where less than half came back, nobody knows how long one is to stay: points for a suspect, time for more. */
const UNKNOWN = { points: 32, likelyAfterMs: 1_800_000 };
/** The same, sooner: in each quarter of the time, at least so many, and the most at most so many times the fewest. */
const EVEN = { afterMs: 480_000, each: 200, within: 1.2 };
/** Of what is open and has a stack, the share of a line that what has none is taken to be of. */
const NEARLY_ALL = 0.8;
/** Windows that must each have left something open. */
const PLACES = 5;
/** Survivors of the first half for a suspect, and for more. */
const SURVIVORS = { suspect: 3, likely: 5 };
/** The half that left less has left at least this share of the other. */
const BALANCE = 1 / 3;

export const rising: Detector = {
  detector: 'growth',
  picks: ({ floors }, { growthLimit }) =>
    floors.points.length >= POINTS && floors.chance <= growthLimit ? () => true : null,
  concludes(open, { floors, accounts, acquired, released, source }, context) {
    const { at } = context;
    const { points, began, window, lowest, chance } = floors;
    const [first, last] = [points[0], points.at(-1)];
    if (!first || !last) return null;
    const isKnown = released >= acquired / 2;
    if (!isKnown && points.length < UNKNOWN.points) return null;

    const end = last.at - window;
    const middle = (began + end) / 2;
    const longest = accounts.reduce((most, { useTimes }) => Math.max(most, useTimes.max), 0);
    const all = isKnown ? open : [...open, ...withoutStack(accounts)];
    const kept = all.filter(({ openedAt }) => openedAt > began && openedAt <= end);
    const late = kept.filter(({ openedAt }) => openedAt > middle).length;
    const early = kept.filter(({ openedAt }) => openedAt <= middle && at - openedAt > longest).length;
    if (early < SURVIVORS.suspect || Math.min(early, late) < BALANCE * Math.max(early, late)) return null;
    const places = new Set(kept.map(({ openedAt }) => Math.floor((openedAt - began) / window)));
    if (places.size < PLACES) return null;

    // as many as the floor rose by, the oldest of those that were not there from the start
    const rise = Math.max(last.floor - lowest, early);
    const since = open.filter(({ openedAt }) => openedAt > floors.startedAt && openedAt <= end);
    const leaked = since.sort((a, b) => b.openedAt - a.openedAt).slice(-rise);
    const hourly = theilSen(points.map((point) => [point.at / 3_600_000, point.floor]));
    const perThousand = theilSen(points.map((point) => [point.acquired / 1000, point.floor]));
    const forMs = last.at - floors.startedAt;
    const { ends, isTimed } = source.nature;
    // what came back says how long others may stay, where that was timed
    const areForLife = ends === 'closed' && (released === 0 || isTimed);
    const isEndless = areForLife && forMs >= EVEN.afterMs && isEven(idleOf(kept, context), began, end);
    const isLong = isKnown || forMs >= UNKNOWN.likelyAfterMs || isEndless;
    return {
      certainty: isLong && early >= SURVIVORS.likely ? 'likely' : 'suspect',
      leaked,
      evidence: [
        `What stays open here rose from ${first.floor} to ${last.floor} while ${last.acquired - first.acquired} were acquired in ${span(last.at - first.at)}: ${short(hourly)} an hour, ${short(perThousand)} per 1,000 acquired (Theil–Sen); chance alone does so less than once in ${odds(chance)} (Mann–Kendall, ${points.length} windows of ${span(window)}).`,
      ],
    };
  },
};

/**
 * Stacks are rationed: first each gets one, and later few do. Those without belong to the line where nearly all of the
 * others that have one are of it.
 */
function* withoutStack(accounts: readonly Account[]): Generator<Resource> {
  const all = [...(accounts[0]?.source.accounts.values() ?? [])].filter(({ isBefore }) => !isBefore);
  const own = accounts.reduce((total, { open }) => total + open.size, 0);
  const known = all.reduce((total, { site, open }) => total + (site === null ? 0 : open.size), 0);
  if (accounts.some(({ site }) => site === null) || own < NEARLY_ALL * known) return;
  for (const resource of all.flatMap(({ site, open }) => (site === null ? [...open] : [])))
    if (!resource.isGone?.()) yield resource;
}

/** Nobody knows how long a request that goes on, or a connection, is to have its own. */
function idleOf(kept: readonly Resource[], context: Context): Resource[] {
  const goesOn = mayGoOn(kept, context);
  const isOver = (resource: Resource): boolean => (resource.scope === null ? !goesOn : isScopeOver(resource, context));
  return kept.filter((resource) => isOver(resource) && !resource.isHosted?.() && !resource.isBusy?.());
}

function isEven(kept: readonly Resource[], began: number, end: number): boolean {
  const quarters = [0, 0, 0, 0];
  for (const { openedAt } of kept) quarters[Math.min(3, Math.floor((4 * (openedAt - began)) / (end - began)))]! += 1;
  const fewest = Math.min(...quarters);
  return fewest >= EVEN.each && Math.max(...quarters) <= EVEN.within * fewest;
}

const short = (value: number): string => (Math.abs(value) < 10 ? value.toFixed(1) : String(Math.round(value)));

/** `3,000`: p turned round, rounded down to one digit, at most a million. */
function odds(p: number): string {
  const times = Math.min(1e6, 1 / p);
  const unit = 10 ** Math.floor(Math.log10(times));
  return (Math.floor(times / unit) * unit).toLocaleString('en-US');
}
