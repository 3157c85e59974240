/** All jobs in their order. */
import { type CorrelateCounts, runCorrelate } from './jobs/correlate.ts';
import { type DeliverCounts, runDeliver } from './jobs/deliver.ts';
import { type IngestCounts, runIngest } from './jobs/ingest.ts';
import type { IntelList } from './jobs/intel.ts';
import { type JobOptions, type Phase, together } from './jobs/job.ts';
import { worthJudging } from './jobs/judge.ts';
import { type ReplayCounts, runReplay } from './jobs/replay.ts';
import { RESULTS_TOPIC } from './jobs/result.ts';
import type { RuleSet } from './jobs/rule-set.ts';
import { RULES_GROUP, type RulesCounts, runRules } from './jobs/rules.ts';
import { createTables } from './jobs/tables.ts';
import { type CloudRecord, DEAD_LETTERS_TOPIC, RECORDS_TOPIC } from './records/record.ts';
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
  /** Publishes the records that no rule can match as well, for groups to come. Where one reads already, all are. */
  keepRecords?: boolean | undefined;
  /** Milliseconds that what every group has read is kept in the streams; for ever by default. */
  keepFor?: number | undefined;
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
  const wanted = await wantedRecords(options);
  const observed = (job: JobName) => ({ ...options, observe: (phase: Phase) => observe?.(job, phase) });
  await createTables(options.pool);
  const ingest = await (input === null
    ? runReplay(observed('ingest'))
    : runIngest({ ...observed('ingest'), input, wanted }));
  const rules = await runRules(observed('rules'));
  const [deliver, correlate] = await together([runDeliver(observed('deliver')), runCorrelate(observed('correlate'))]);
  await trimAll(options);
  return { ingest, rules, deliver, correlate };
}

/** Behind the slowest group and by age. */
export async function trimAll({ stream, keepFor }: Pick<PipelineOptions, 'stream' | 'keepFor'>): Promise<void> {
  if (keepFor === undefined) return;
  for (const topic of [RECORDS_TOPIC, DEAD_LETTERS_TOPIC, RESULTS_TOPIC]) await stream.trim(topic, keepFor);
}

/**
 * Most records match no rule, and nobody else reads them: these need no trip through the stream. Undefined where all do.
 */
export async function wantedRecords({
  stream,
  rules,
  intel,
  keepRecords,
}: Pick<PipelineOptions, 'stream' | 'rules' | 'intel' | 'keepRecords'>) {
  const others = (await stream.groups(RECORDS_TOPIC)).filter((group) => group !== RULES_GROUP);
  if (keepRecords || others.length > 0) return undefined;
  return (records: CloudRecord[]) => worthJudging(records, { rules, intel });
}
