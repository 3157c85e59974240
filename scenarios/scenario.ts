/** An incident as data: a program in two variants, and what the probe must and must not find in each. */
import type { Certainty, Kind } from '../probe/recording/format.ts';

/** A finding that must be there: the line is searched for, so that it follows the code when that moves. */
export interface Expectation {
  kind: Kind;
  library: string;
  /** At least this certain. */
  certainty: Certainty;
  /** The compiled file that holds the call. */
  file: URL;
  /** Text of the acquiring call; on exactly one line of the file. */
  call: string;
}

export const VARIANTS = ['leaking', 'fixed'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Scenario {
  name: string;
  /** One line for `outlive scenarios`. */
  title: string;
  /** What happened, in a few sentences, for --help and the docs. */
  story: string;
  /** Run as `node PROGRAM VARIANT RUNS` with DATABASE_URL; reports by `ProgramMessage`. */
  program: URL;
  /** Job runs per variant, by default. */
  runs: number;
  /** In the leaking variant; the fixed one must give nothing at `likely` or above. */
  mustFind: readonly Expectation[];
  /** The library that the fixed variant must have been seen to use: silence proves nothing otherwise. */
  mustUse: string;
}

/** Work done, equal in both variants or the comparison is void. */
export type Work = Record<string, number>;

/** What a scenario's program tells its runner. */
export type ProgramMessage = { run: number; of: number; note: string } | { work: Work };
