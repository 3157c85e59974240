/**
 * Whether two series move together, said only when chance is a poor explanation. Pure; no state.
 *
 * Correlated are ranks (Spearman 1904: no shape is assumed, a single peak counts for one), once of the changes from one
 * moment to the next, once of the deviations from a running median: two series that merely rise during a run, as all
 * do, tell nothing. Neighbours in a series depend on each other, which makes chance correlations larger than tables say:
 * the same statistic, the largest over all lags, is computed again and again with the blocks of one series in random
 * order, each long enough to keep what its neighbours know of each other (block permutation; Künsch, Ann. Statist. 17,
 * 1989, on the length of blocks). Series that are periodic throughout have no such length: of them nothing is said.
 */

/** Absent moments (a gap) are NaN. */
export type Series = readonly number[];

export interface Pair {
  first: Series;
  second: Series;
}

export interface Movement {
  /** Steps by which the second series follows the first; negative: precedes. */
  lag: number;
  /** Spearman's rank correlation of the deviations at that lag; 0 where the changes go the other way. */
  strength: number;
  /** Chance that of all these pairs, were none related, one would stand out so much. */
  p: number;
  /** Moments compared. */
  samples: number;
}

/** Both have to be there for this share of the time. */
const FEWEST_PRESENT = 0.75;
/** Fewer blocks than these have too few orders to tell anything. */
const FEWEST_BLOCKS = 8;
/** A series that changes less often tells of single events, not of moving with something. */
const FEWEST_CHANGES = 10;
const PERMUTATIONS = 499;
/** Moments on either side that a median takes at least. */
const NARROWEST = 4;

/**
 * How each pair moves, null where a series is too short, too still or too slow to tell. All pairs are judged together
 * (the largest statistic of any pair, standardised by the pair's own chance: Westfall & Young, Resampling-Based Multiple
 * Testing, 1993), so that many comparisons find no more by chance than one. `seed` makes the answer repeatable.
 */
export function movements(pairs: readonly Pair[], maxLag: number, seed = 1): (Movement | null)[] {
  const random = generator(seed);
  const trials = pairs.flatMap(({ first, second }, pair) => {
    if (movesOf(first) < FEWEST_CHANGES || movesOf(second) < FEWEST_CHANGES) return [];
    return [changes, deviations].flatMap((form) => {
      const trial = tried(form(first), form(second), maxLag, random);
      return trial ? [{ ...trial, pair }] : [];
    });
  });
  const worst = Array.from({ length: PERMUTATIONS }, (_, i) =>
    trials.reduce((most, { chance }) => Math.max(most, chance[i] as number), Number.NEGATIVE_INFINITY),
  );
  return pairs.map((_, pair) => {
    const own = trials.filter((trial) => trial.pair === pair).sort((a, b) => b.score - a.score);
    if (!own[0]) return null;
    const { lag, score, samples } = own[0];
    const strength = strengthAt(pairs[pair] as Pair, lag);
    return { lag, strength, samples, p: (worst.filter((other) => other >= score).length + 1) / (PERMUTATIONS + 1) };
  });
}

/** What is true of series that move together is true of their levels and of their changes. */
function strengthAt({ first, second }: Pair, lag: number): number {
  const [levels, moves] = [deviations, changes].map((form) => {
    const [a, b] = [centredRanks(form(first)), centredRanks(form(second))];
    return product(a, b, lag) / Math.sqrt(product(a, a, 0) * product(b, b, 0));
  });
  return levels !== undefined && moves !== undefined && levels * moves > 0 ? levels : 0;
}

interface Trial extends Omit<Movement, 'p'> {
  /** The strength, in standard deviations above the mean of what chance gives; and what chance gave, alike. */
  score: number;
  chance: number[];
}

function tried(first: number[], second: number[], maxLag: number, random: () => number): Trial | null {
  const samples = first.reduce((count, value, i) => count + Number(isPresent(value) && isPresent(second[i])), 0);
  if (samples < FEWEST_PRESENT * first.length) return null;
  const a = centredRanks(first);
  const b = centredRanks(second);
  const block = Math.max(memory(a), memory(b));
  if (a.length / block < FEWEST_BLOCKS) return null;
  const norm = Math.sqrt(product(a, a, 0) * product(b, b, 0));
  if (norm === 0) return null;
  const found = strongest(a, b, maxLag, norm);
  const chance: number[] = [];
  const other = new Float64Array(a.length);
  for (let i = 0; i < PERMUTATIONS; i++) {
    shuffle(a, other, block, random);
    chance.push(Math.abs(strongest(other, b, maxLag, norm).strength));
  }
  const mean = chance.reduce((sum, value) => sum + value, 0) / chance.length;
  const spread = Math.sqrt(chance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / chance.length);
  if (spread === 0) return null;
  const standard = (value: number) => (value - mean) / spread;
  return { ...found, samples, score: standard(Math.abs(found.strength)), chance: chance.map(standard) };
}

function isPresent(value: number | undefined): value is number {
  return value !== undefined && !Number.isNaN(value);
}

function changes(series: Series): number[] {
  return series.slice(1).map((value, i) => value - (series[i] as number));
}

function movesOf(series: Series): number {
  return changes(series).filter((change) => isPresent(change) && change !== 0).length;
}

/** From the median of as many moments before as after: near the ends, of fewer. The very ends are left out. */
function deviations(series: Series): number[] {
  const widest = Math.max(10, Math.floor(series.length / 8));
  return series.map((value, i) => {
    const half = Math.min(widest, i, series.length - 1 - i);
    if (half < NARROWEST) return Number.NaN;
    const around = series.slice(i - half, i + half + 1).filter(isPresent);
    around.sort((a, b) => a - b);
    return value - (around[around.length >> 1] as number);
  });
}

/** Ties share their mean rank; the mean rank is zero, as is the rank of what is absent. */
function centredRanks(values: readonly number[]): Float64Array {
  const order = values.flatMap((value, i) => (isPresent(value) ? [i] : []));
  order.sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1] as number] === values[order[from] as number]) to++;
    for (let i = from; i <= to; i++) ranks[order[i] as number] = (from + to) / 2 - (order.length - 1) / 2;
    from = to + 1;
  }
  return ranks;
}

/** After so many steps a series has forgotten itself. */
function memory(ranks: Float64Array): number {
  const noise = (2.6 / Math.sqrt(ranks.length)) * product(ranks, ranks, 0);
  const longest = Math.floor(ranks.length / 4);
  let last = 0;
  for (let lag = 1; lag <= longest; lag++) {
    if (Math.abs(product(ranks, ranks, lag)) > noise) last = lag;
    // far apart, chance alone gives some
    else if (lag > 2 * last + 2) break;
  }
  return last + 1;
}

function strongest(a: Float64Array, b: Float64Array, maxLag: number, norm: number) {
  let [lag, strength] = [0, 0];
  for (let tried = -maxLag; tried <= maxLag; tried++) {
    const found = product(a, b, tried) / norm;
    if (Math.abs(found) > Math.abs(strength)) [lag, strength] = [tried, found];
  }
  return { lag, strength };
}

/** Sum of a[t] · b[t + lag]. */
function product(a: Float64Array, b: Float64Array, lag: number): number {
  let sum = 0;
  const to = Math.min(a.length, b.length - lag);
  for (let t = Math.max(0, -lag); t < to; t++) sum += (a[t] as number) * (b[t + lag] as number);
  return sum;
}

/** The same values, in blocks of random order; the first block begins anywhere. */
function shuffle(values: Float64Array, into: Float64Array, block: number, random: () => number): void {
  const { length } = values;
  const offset = Math.floor(random() * length);
  const order = Array.from({ length: Math.ceil(length / block) }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  let at = 0;
  for (const index of order) {
    const end = Math.min((index + 1) * block, length);
    for (let i = index * block; i < end; i++) into[at++] = values[(i + offset) % length] as number;
  }
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
