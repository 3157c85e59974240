/**
 * growth, in a program too short for windows: so far each of them was made for life, but they go on being made.
 *
 * Never more than a suspect. Each third of the time since the first one must have had its share of the event-loop turns
 * that made some.
 * False positives: workers or shards that are set up one by one for as long as the program has been running.
 * False negatives: a handful, and what is made in one go.
 */
import type { Detector } from '../detector.ts';
import { span } from '../words.ts';

const YOUNG = { creations: 12, forMs: 2000, turnMs: 1 };

export const ongoing: Detector = {
  detector: 'growth',
  picks: ({ released, open }) => (released === 0 && open >= YOUNG.creations ? () => true : null),
  concludes(open, _, { at }) {
    const times = open.map(({ openedAt }) => openedAt).sort((a, b) => a - b);
    const turns = times.filter((time, i) => i === 0 || time - (times[i - 1] as number) > YOUNG.turnMs);
    const began = turns[0] as number;
    const forMs = at - began;
    if (turns.length < YOUNG.creations || forMs < YOUNG.forMs) return null;
    const thirds = [0, 0, 0];
    for (const time of turns) thirds[Math.min(2, Math.floor(((time - began) / forMs) * 3))]! += 1;
    if (Math.min(...thirds) < turns.length / 6) return null;
    const evidence = `${open.length} made here in ${span(forMs)}, on ${turns.length} different occasions all along, and not one ended.`;
    return { certainty: 'suspect', leaked: open, evidence: [evidence] };
  },
};
