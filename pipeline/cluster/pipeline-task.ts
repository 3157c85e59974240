/** One lane of a job of the pipeline: its share of the input files, of the partitions of its topic, or of the sinks. */
import { BUNDLED_INTEL, BUNDLED_RULES } from '../bundled.ts';
import { runCorrelate } from '../jobs/correlate.ts';
import { runDeliver } from '../jobs/deliver.ts';
import { runIngest } from '../jobs/ingest.ts';
import { loadIntel } from '../jobs/intel-files.ts';
import type { JobOptions } from '../jobs/job.ts';
import { loadRules } from '../jobs/rule-set.ts';
import { runRules } from '../jobs/rules.ts';
import { type JobName, wantedRecords } from '../pipeline.ts';
import { DEFAULT_REGION, loadRegions, type Region, Regions } from '../sinks/regions.ts';
import { Sink } from '../sinks/sink.ts';
import { openStream } from '../streams/open.ts';
import type { Share, Stream } from '../streams/stream.ts';
import type { TaskContext } from './protocol.ts';

/** Plain data, the same for every lane. */
export interface PipelineTaskOptions {
  job: JobName;
  /** Folder or file. */
  input: string;
  partitions: number;
  /** `nats://…`; undefined is the log table. */
  stream?: string | undefined;
  /** Folders, files; null: those that come with the pipeline. */
  rules: string | string[] | null;
  intel: string | string[] | null;
  tenants: string | undefined;
  /** Of each region, the URL of its sink. */
  sinks: [Region, string][];
  maxBatch?: number | undefined;
  keepRecords?: boolean | undefined;
}

export default async function run(context: TaskContext): Promise<unknown> {
  const options = context.options as PipelineTaskOptions;
  const { index, of, connections: pool, signal } = context;
  const share = { index, of };
  const { stream, close } = await openStream({ url: options.stream, pool, partitions: options.partitions });
  const drain: Stream['drain'] = (topic, group, { maxBatch }) => stream.drain(topic, group, { maxBatch, share });
  const own: Stream = {
    ...{ publish: stream.publish.bind(stream), groups: stream.groups.bind(stream), trim: stream.trim.bind(stream) },
    drain,
  };
  try {
    return await runLane(options, { pool, stream: own, signal, maxBatch: options.maxBatch }, share, stream);
  } finally {
    await close();
  }
}

/** `whole` is the stream with all partitions, for jobs that share something else. */
async function runLane(options: PipelineTaskOptions, common: JobOptions, share: Share, whole: Stream) {
  const { job, input, keepRecords } = options;
  if (job === 'correlate') return runCorrelate(common);
  if (job === 'ingest' || job === 'rules') {
    const rules = await loadRules(...[options.rules ?? BUNDLED_RULES].flat());
    const intel = await loadIntel(...[options.intel ?? BUNDLED_INTEL].flat());
    if (job === 'ingest') {
      const wanted = await wantedRecords({ stream: whole, rules, intel, keepRecords });
      return runIngest({ ...common, input, share, wanted });
    }
    const regions = options.tenants === undefined ? new Regions(DEFAULT_REGION) : await loadRegions(options.tenants);
    return runRules({ ...common, rules, intel, regions });
  }
  const own = options.sinks.filter((_, number) => number % share.of === share.index);
  const sinks = own.map(([region, url]) => new Sink({ region, url }));
  try {
    return await runDeliver({ ...common, stream: whole, sinks });
  } finally {
    await Promise.all(sinks.map((sink) => sink.close()));
  }
}
