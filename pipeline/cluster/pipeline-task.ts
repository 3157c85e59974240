/** One lane of a job of the pipeline: its share of the input files, of the partitions of its topic, or of the sinks. */
import { runCorrelate } from '../jobs/correlate.ts';
import { runDeliver } from '../jobs/deliver.ts';
import { runIngest } from '../jobs/ingest.ts';
import { loadIntel } from '../jobs/intel-files.ts';
import { loadRules } from '../jobs/rule-set.ts';
import { runRules } from '../jobs/rules.ts';
import type { JobName } from '../pipeline.ts';
import { DEFAULT_REGION, loadRegions, type Region, Regions } from '../sinks/regions.ts';
import { Sink } from '../sinks/sink.ts';
import { LogTableStream } from '../streams/log-table.ts';
import type { Stream } from '../streams/stream.ts';
import type { TaskContext } from './protocol.ts';

/** Plain data, the same for every lane. */
export interface PipelineTaskOptions {
  job: JobName;
  /** Folder or file. */
  input: string;
  partitions: number;
  /** Folders, files. */
  rules: string | string[];
  intel: string | string[];
  tenants: string | undefined;
  /** Of each region, the URL of its sink. */
  sinks: [Region, string][];
  maxBatch?: number | undefined;
}

export default async function run({ index, of, connections, signal, ...context }: TaskContext): Promise<unknown> {
  const { job, input, partitions, maxBatch, ...options } = context.options as PipelineTaskOptions;
  const share = { index, of };
  const log = new LogTableStream({ pool: connections, partitions });
  const stream: Stream = {
    publish: (topic, messages, transaction) => log.publish(topic, messages, transaction),
    drain: (topic, group, { maxBatch }) => log.drain(topic, group, { maxBatch, share }),
  };
  const common = { pool: connections, stream, signal, maxBatch };
  if (job === 'ingest') return runIngest({ ...common, input, share });
  if (job === 'correlate') return runCorrelate(common);
  if (job === 'rules') {
    const [rules, intel] = [await loadRules(...[options.rules].flat()), await loadIntel(...[options.intel].flat())];
    const regions = options.tenants === undefined ? new Regions(DEFAULT_REGION) : await loadRegions(options.tenants);
    return runRules({ ...common, rules, intel, regions });
  }
  const own = options.sinks.filter((_, number) => number % of === index);
  const sinks = own.map(([region, url]) => new Sink({ region, url }));
  try {
    return await runDeliver({ ...common, stream: log, sinks });
  } finally {
    await Promise.all(sinks.map((sink) => sink.close()));
  }
}
