/** All jobs of the pipeline in their order, each spread over the slots of a cluster. */
import { fileURLToPath } from 'node:url';
import { addCounts } from '../counts.ts';
import type { JobName, PipelineCounts } from '../pipeline.ts';
import { JOBS } from '../pipeline.ts';
import type { Cluster } from './cluster.ts';
import type { PipelineTaskOptions } from './pipeline-task.ts';

export const PIPELINE_TASK = new URL(
  `./pipeline-task.${fileURLToPath(import.meta.url)
    .split('.')
    .at(-1)}`,
  import.meta.url,
);

export interface ClusterPipelineOptions extends Omit<PipelineTaskOptions, 'job'> {
  /** Lanes of each job. */
  parallelism: number;
  /** Milliseconds that a database or stream may be away. */
  patience?: number;
  onJob?: (job: JobName) => void;
}

/** Needs the tables of the streams and of the jobs. As `runPipeline`, which see; only faster. */
export async function runPipelineOn(
  cluster: Cluster,
  { parallelism, patience = 0, onJob, ...options }: ClusterPipelineOptions,
): Promise<PipelineCounts> {
  const counts: Partial<Record<JobName, unknown>> = {};
  for (const name of JOBS) {
    onJob?.(name);
    const task = { ...options, job: name } satisfies PipelineTaskOptions;
    const lanes = await cluster.run({ name, module: PIPELINE_TASK, parallelism, patience, options: task });
    counts[name] = lanes.reduce(addCounts);
  }
  return counts as unknown as PipelineCounts;
}
