/** All jobs in their order. */
import { type CorrelateCounts, runCorrelate } from './jobs/correlate.ts';
import { type DeliverCounts, runDeliver } from './jobs/deliver.ts';
import { type IngestCounts, runIngest } from './jobs/ingest.ts';
import type { IntelList } from './jobs/intel.ts';
import type { JobOptions, Phase } from './jobs/job.ts';
import { type ReplayCounts, runReplay } from './jobs/replay.ts';
import type { RuleSet } from './jobs/rule-set.ts';
import { type RulesCounts, runRules } from './jobs/rules.ts';
import { createTables } from './jobs/tables.ts';
import type { Regions } from './sinks/regions.ts';
import type { Sink } from './sinks/sink.ts';

export const JOBS = ['ingest', 'rules', 'deliver', 'correlate'] as const;
export type JobName = (typeof JOBS)[number];

export interface PipelineOptions extends Omit<JobOptions, 'observe'> {
  /** Folder, file or `-`; null: the dead letters, tried again. */
  input: string | null;
  rules: RuleSet;
  intel: IntelList;
  regions: Regions;
  sinks: readonly Sink[];
  /** Told of every job's phases. */
  observe?: (job: JobName, phase: Phase) => void;
}

export interface PipelineCounts {
  ingest: IngestCounts | ReplayCounts;
  rules: RulesCounts;
  deliver: DeliverCounts;
  correlate: CorrelateCounts;
}

/**
 * Needs the stream's tables, makes the jobs' own. A further run goes on where the last one ended, however that ended.
 */
export async function runPipeline({ observe, input, ...options }: PipelineOptions): Promise<PipelineCounts> {
  const observed = (job: JobName) => ({ ...options, observe: (phase: Phase) => observe?.(job, phase) });
  await createTables(options.pool);
  return {
    ingest: await (input === null ? runReplay(observed('ingest')) : runIngest({ ...observed('ingest'), input })),
    rules: await runRules(observed('rules')),
    deliver: await runDeliver(observed('deliver')),
    correlate: await runCorrelate(observed('correlate')),
  };
}
