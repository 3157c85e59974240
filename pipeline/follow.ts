/** The pipeline without an end: all jobs side by side, each with what the one before it has just published. */
import { setTimeout as delay } from 'node:timers/promises';
import { addCounts } from './counts.ts';
import { runCorrelate } from './jobs/correlate.ts';
import { runDeliver } from './jobs/deliver.ts';
import { followInput } from './jobs/follow-input.ts';
import { noCounts } from './jobs/ingest.ts';
import { together } from './jobs/job.ts';
import { runRules } from './jobs/rules.ts';
import { createTables } from './jobs/tables.ts';
import type { Patiently } from './patience.ts';
import { type PipelineCounts, type PipelineOptions, trimAll, wantedRecords } from './pipeline.ts';

export interface FollowOptions extends Omit<PipelineOptions, 'input' | 'observe'> {
  /** Folder, file or `-`; null: what others publish is worked on. */
  input: string | null;
  stdin?: AsyncIterable<Buffer>;
  patiently: Patiently;
  /** Told each time that all jobs have been through. */
  onRound?: (counts: PipelineCounts) => void;
}

/** How long the jobs rest when there was nothing to do, and how often the streams are trimmed: milliseconds. */
const REST_MS = 100;
const TRIM_MS = 60_000;
const FOR_EVER = 2 ** 31 - 1;

/** Until the signal, or until the end of standard input has been worked on. */
export async function followPipeline({ onRound, patiently, ...options }: FollowOptions): Promise<PipelineCounts> {
  await createTables(options.pool);
  const wanted = await wantedRecords(options);
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const { input } = options;
  const ingest = noCounts();
  let isOver = false;
  const reading = async () => {
    const read = { ...options, signal, wanted, patiently };
    if (input === null) await delay(FOR_EVER, undefined, { signal }).catch(() => {});
    else if (input === '-') await followInput({ ...read, input }, ingest);
    else await patiently(() => followInput({ ...read, input }, ingest));
    isOver = true;
  };
  let done: PipelineCounts = { ...EMPTY, ingest };
  const working = async (isWell: () => void) => {
    const common = { ...options, signal };
    for (let trimmed = Date.now(), isLast = false; !isLast && !signal.aborted; ) {
      isLast = isOver;
      await options.intel.refresh(); // what is wanted depends on it, before any record comes here
      const rules = await runRules(common);
      const [deliver, correlate] = await together([runDeliver(common), runCorrelate(common)]);
      isWell();
      done = { ...(addCounts(done, { rules, deliver, correlate }) as PipelineCounts), ingest };
      onRound?.(done);
      if (Date.now() - trimmed > TRIM_MS) {
        await trimAll(options);
        trimmed = Date.now();
      }
      if (rules.records + correlate.results === 0 && !isOver) {
        await delay(REST_MS, undefined, { signal }).catch(() => {});
      }
    }
  };
  const orStop = (work: Promise<void>) =>
    work.catch((error) => {
      failed.abort();
      throw error;
    });
  const outcomes = await Promise.allSettled([orStop(reading()), orStop(patiently(working))]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return done;
}

const EMPTY = {
  rules: { records: 0, results: {}, deadLetters: {}, failedLookUps: 0 },
  deliver: {},
  correlate: { results: 0, insights: 0 },
};
