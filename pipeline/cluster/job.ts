/** A job on the cluster, and its lanes while they run. */
import { UserError } from '../../user-error.ts';
import type { Task } from './protocol.ts';

export interface Job {
  name: string;
  /** Of the job among all (default: its name); to be given to `forget` when it has ended. */
  key?: string;
  /** Its default export is a `TaskBody`. */
  module: URL;
  /** Lanes: tasks at a time, if there are as many slots. */
  parallelism: number;
  /** Plain data, the same for all lanes. */
  options: unknown;
  /** Told what tasks tell. */
  onNote?: (note: unknown, task: Task) => void;
  /** Told why a lane failed that is begun again. */
  onFailure?: (why: string, task: Task) => void;
  /** Ends its lanes early, between two batches. */
  signal?: AbortSignal;
  /** For so many milliseconds a lane that throws is begun again, however often it does (default 0). */
  patience?: number;
}

/** A lane. */
export interface Running {
  task: Task;
  job: Job;
  /** How often it threw, since when, and how often it went down with its task manager. */
  failures: number;
  failing: number | null;
  deaths: number;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A lane failed too often, or there is no task manager for it; the message says how, without a full stop. */
export class JobFailed extends Error {
  override name = 'JobFailed';
}

/** It was ended early, as was asked for. */
export class JobCanceled extends Error {
  override name = 'JobCanceled';
}

export function laneOf({ task, job }: Running): string {
  return `Lane ${task.index + 1} of ${task.of} of job ${job.name}`;
}

export function isPatient({ job: { patience = 0 }, failing }: Running): boolean {
  return failing !== null && performance.now() - failing < patience;
}

export function stopped({ name }: Job): UserError {
  return new UserError(`The cluster was stopped before job ${name} had ended.`);
}
