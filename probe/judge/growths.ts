/**
 * Of what only grows (watch/growth): where the program has added to it again and again, and taken nothing away.
 *
 * `likely` when it grew in many turns over a while and is large; `suspect` from fewer. In a soak it must have grown in
 * each of the last rounds.
 *
 * False positives: a cache that is meant to hold all of a limited set and is still filling; what a program loads once, row
 * by row. A soak that is longer than that tells.
 */
import type { Growth, GrowthWatch } from '../account/growth.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { NATURES } from '../recording/natures.ts';
import { frameToName } from './blame.ts';
import { siteUnknown } from './findings.ts';

const SUSPECT = { count: 64, turns: 32 };
const LIKELY = { count: 128, turns: 64 };
/** Rounds in each of which it must have grown. */
const ROUNDS = 3;

export class Growths {
  readonly #watch: GrowthWatch;
  /** What there was at each rest, by key. */
  #rests: Map<string, number>[] = [];
  /** As of the latest collection after which nothing was added. */
  #told: ReadonlyMap<string, RecordedFinding> = new Map();

  constructor(watch: GrowthWatch) {
    this.#watch = watch;
  }

  /** Only a collection tells what is kept from what somebody is still gathering. */
  get awaitsCollection(): boolean {
    return this.#watch.hasMatter();
  }

  rest(): void {
    const counts = [...this.#byLine()].map(([key, { count }]): [string, number] => [key, count]);
    this.#rests = [...this.#rests, new Map(counts)].slice(-ROUNDS - 1);
  }

  /** `collectedAt`: what was let go before then is gone. What grows while it is looked at is as it was. */
  findings(collectedAt: number): ReadonlyMap<string, RecordedFinding> {
    const found = new Map<string, RecordedFinding>();
    for (const [key, growth] of this.#byLine()) {
      const finding = growth.lastAt < collectedAt ? this.#judged(key, growth) : this.#told.get(key);
      if (finding) found.set(key, finding);
    }
    this.#told = found;
    return found;
  }

  /** One line may add to several. */
  #byLine(): Map<string, Growth> {
    const lines = new Map<string, Growth>();
    for (const growth of this.#watch.read()) {
      const key = `${growth.nature} ${growth.site.id}`;
      const known = lines.get(key);
      if (!known || known.count < growth.count) lines.set(key, growth);
    }
    return lines;
  }

  #judged(key: string, growth: Growth): RecordedFinding | null {
    const counts = this.#rests.map((rest) => rest.get(key) ?? 0);
    const isGrowing = counts.slice(1).every((count, i) => count > (counts[i] as number));
    const certainty = isGrowing ? certaintyOf(growth) : null;
    return certainty && findingOf(growth, certainty);
  }
}

function certaintyOf({ count, turns }: Growth): 'likely' | 'suspect' | null {
  if (count >= LIKELY.count && turns >= LIKELY.turns) return 'likely';
  return count >= SUSPECT.count && turns >= SUSPECT.turns ? 'suspect' : null;
}

function findingOf({ nature, name, site, count, sentence }: Growth, certainty: 'likely' | 'suspect'): RecordedFinding {
  return {
    ...{ kind: NATURES[nature].kind, nature, detector: 'growth', certainty, count },
    ...{ acquired: 0, released: 0, estimated: false, library: name, pool: null, site: site.id },
    ...{ frame: frameToName(site, []), siteUnknown: siteUnknown(site), evidence: [sentence] },
    ...{ exhausted: null, holders: [], scopes: [] },
  };
}
