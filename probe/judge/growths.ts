/**
 * Of what only grows (watch/growth): where the program has added to it again and again, and taken nothing away.
 *
 * `likely` when it grew in many turns over a while and is large; `suspect` from fewer. In a soak it must have grown in
 * each of the last rounds.
 *
 * False positives: a cache that is meant to hold all of a limited set and is still filling; what a program loads once, row
 * by row. A soak that is longer than that tells.
 */
import type { Growth } from '../account/growth.ts';
import type { RecordedFinding } from '../recording/format.ts';
import { frameToName } from './blame.ts';
import { span } from './detectors/words.ts';
import { siteUnknown } from './findings.ts';

const SUSPECT = { count: 64, turns: 32 };
const LIKELY = { count: 128, turns: 64 };
/** Rounds in each of which it must have grown. */
const ROUNDS = 3;

export class Growths {
  readonly #read: () => Iterable<Growth>;
  /** What there was at each rest, by key. */
  #rests: Map<string, number>[] = [];

  constructor(read: () => Iterable<Growth>) {
    this.#read = read;
  }

  rest(): void {
    this.#rests = [...this.#rests, new Map([...this.#byLine()].map(([key, { count }]) => [key, count]))].slice(
      -ROUNDS - 1,
    );
  }

  findings(): Map<string, RecordedFinding> {
    const found = new Map<string, RecordedFinding>();
    for (const [key, growth] of this.#byLine()) {
      const certainty = this.#isGrowing(key) ? certaintyOf(growth) : null;
      if (certainty !== null) found.set(key, findingOf(growth, certainty));
    }
    return found;
  }

  /** One line may add to several. */
  #byLine(): Map<string, Growth> {
    const lines = new Map<string, Growth>();
    for (const growth of this.#read()) {
      const key = `${growth.nature} ${growth.site.id}`;
      const known = lines.get(key);
      if (!known || known.count < growth.count) lines.set(key, growth);
    }
    return lines;
  }

  #isGrowing(key: string): boolean {
    const counts = this.#rests.map((rest) => rest.get(key) ?? 0);
    return counts.slice(1).every((count, i) => count > (counts[i] as number));
  }
}

function certaintyOf({ count, turns }: Growth): 'likely' | 'suspect' | null {
  if (count >= LIKELY.count && turns >= LIKELY.turns) return 'likely';
  return count >= SUSPECT.count && turns >= SUSPECT.turns ? 'suspect' : null;
}

function findingOf(growth: Growth, certainty: 'likely' | 'suspect'): RecordedFinding {
  const { nature, name, site, count } = growth;
  return {
    ...{ kind: nature === 'reaction' ? 'promise' : 'memory', nature, detector: 'growth', certainty, count },
    ...{ acquired: 0, released: 0, estimated: false, library: name, pool: null, site: site.id },
    ...{ frame: frameToName(site, []), siteUnknown: siteUnknown(site), evidence: [inWords(growth)] },
    ...{ exhausted: null, holders: [], scopes: [] },
  };
}

function inWords({ nature, name, count, turns, firstAt, lastAt }: Growth): string {
  const amount = count.toLocaleString('en-US');
  if (nature === 'reaction') {
    return `${amount} times this ${name} was over while one of its promises, the same each time, has never settled: that promise keeps what each of them waited for.`;
  }
  const kind = name === 'Array' ? 'an array' : `a ${name}`;
  return `Adds to ${kind} of ${amount} elements, from which nothing was ever removed: in ${turns.toLocaleString('en-US')} turns of the program, over ${span(lastAt - firstAt)}.`;
}
