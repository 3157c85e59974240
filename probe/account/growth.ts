/** What is seen to grow and never to shrink, where that was asked for; told at each look. */
import type { NatureName } from '../recording/natures.ts';
import type { Site } from './site.ts';

export interface Growth {
  nature: NatureName;
  /** Of what: `Map`, `Promise.race`. */
  name: string;
  /** Where it was added to, as it had become twice as large. */
  site: Site;
  /** How many there are now, and in how many turns of the program's they came. */
  count: number;
  turns: number;
  /** When the latest of them came; milliseconds. */
  lastAt: number;
  /** What was seen. */
  sentence: string;
}

export interface GrowthWatch {
  /** Whether there may be something to tell: it dereferences nothing. */
  hasMatter(): boolean;
  /** Those that live, and have lost nothing. */
  read(): Iterable<Growth>;
}
