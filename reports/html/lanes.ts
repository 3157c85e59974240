/** Job runs as bands on the time line, a lane per job. */
import type { Recording } from '../../probe/recording/format.ts';
import { number } from '../words.ts';
import { mergeBands } from './decimate.ts';
import type { Seconds } from './tracks.ts';

/** Runs of one job: spans in seconds. */
export interface Lane {
  name: string;
  runs: number;
  failures: number;
  done: [from: number, to: number][];
  failed: [from: number, to: number][];
}

const LANES = 6;
const BANDS = 400;

/** Adds to `omitted` what is beyond the lanes. */
export function lanesOf(recordings: readonly Recording[], seconds: Seconds, end: number, omitted: string[]): Lane[] {
  const byName = new Map<string, Lane>();
  for (const recording of recordings) {
    for (const run of recording.runs) {
      const lane = byName.get(run.name) ?? { name: run.name, runs: 0, failures: 0, done: [], failed: [] };
      byName.set(run.name, lane);
      lane.runs++;
      if (run.failedWith !== null) lane.failures++;
      const bands = run.failedWith === null ? lane.done : lane.failed;
      bands.push([seconds(recording, run.began), seconds(recording, run.ended)]);
    }
  }
  const all = [...byName.values()].sort((a, b) => b.failures - a.failures || b.runs - a.runs);
  if (all.length > LANES) omitted.push(`${number(all.length - LANES)} more jobs`);
  return all.slice(0, LANES).map((lane) => ({
    ...lane,
    done: mergeBands(lane.done, end, BANDS),
    failed: mergeBands(lane.failed, end, BANDS),
  }));
}
