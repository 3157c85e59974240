/**
 * The job manager: takes jobs, plans them, has them run on the task managers, again and again if so asked, and knows
 * what became of them. What it knows is in the database before it answers: one that was killed is followed by one that
 * goes on with all that had not ended. A run may then be begun twice, which every job of the pipeline can stand.
 */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../user-error.ts';
import { addCounts } from '../counts.ts';
import { failureOf, isDatabaseFailure } from '../store/failure.ts';
import type { ConnectionPool } from '../store/store.ts';
import type { Cluster } from './cluster.ts';
import { JobCanceled, type Job as Lanes } from './job.ts';
import { ENDED, type JobRecord, JobTable, MOST_KEPT } from './job-table.ts';
import type { PipelineTaskOptions } from './pipeline-task.ts';
import type { JobPlan } from './planning/module-context.ts';
import { ContextPlanner, type Planning, planInWorker } from './planning/plan.ts';
import { Refused } from './refused.ts';
import { PIPELINE_TASK } from './run-pipeline.ts';
import { isShallow, MOST_DEPTH, type Submission, submissionFrom } from './submission.ts';

export interface JobManagerOptions {
  pool: ConnectionPool;
  cluster: Cluster;
  /** Of the pipeline's own jobs, beside what a submission says. */
  pipeline: Omit<PipelineTaskOptions, 'job' | 'input'>;
  /** Folder of modules that may be submitted; null: none. */
  modules: string | null;
  planning: Planning;
  /** Packages that each job's context loads anew. */
  ownPackages?: readonly string[];
  /** Stands around each planning in this thread, for who keeps account of it. */
  around?: (name: string, plan: () => Promise<JobPlan>) => Promise<JobPlan>;
  /** Milliseconds that a module may take to be planned. */
  planLimitMs?: number;
  /** Most jobs that have not ended. */
  mostOpen?: number;
  /** Told what happens, one sentence each. */
  log?: (sentence: string) => void;
}

interface Job {
  record: JobRecord;
  canceled: AbortController;
  /** It is canceled, or the job manager stops. */
  ending: AbortController;
  /** Of a module, how it was planned; asked for again at each run. */
  firstPlan: JobPlan | null;
}

const PLAN_LIMIT_MS = 5000;
const MOST_OPEN = 500;
/** Planned at a time, and waiting for it when another is submitted. */
const MOST_PLANNED = 2;
const MOST_WAITING = 50;
/** Of a continuous job, between two looks for new work. */
const CONTINUOUS_PAUSE_MS = 1000;
/** Of a job, as JSON: it is kept, of a thousand jobs. */
const MOST_RESULT_KB = 256;
/** Between two tries to keep a job's state. */
const SAVE_PAUSE_MS = 1000;

export class JobManager {
  readonly #options: JobManagerOptions;
  readonly #table: JobTable;
  readonly #jobs = new Map<string, Job>();
  readonly #contexts = new ContextPlanner();
  readonly #loops = new Set<Promise<void>>();
  #isStopping = false;
  #planning = 0;
  readonly #awaitTurn: (() => void)[] = [];
  /** Accepted, but not yet in the table. */
  #entering = 0;
  readonly startedAt = Date.now();
  refused = 0;

  private constructor(options: JobManagerOptions, table: JobTable) {
    this.#options = options;
    this.#table = table;
  }

  /** Goes on with what a job manager before it left unfinished. */
  static async open(options: JobManagerOptions): Promise<JobManager> {
    const manager = new JobManager(options, await JobTable.open(options.pool));
    const records = await manager.#table.read();
    const unfinished = records.filter(({ state }) => !ENDED.includes(state));
    for (const record of records) manager.#jobs.set(record.jobid, jobOf(record));
    for (const { jobid } of unfinished) {
      const job = manager.#jobs.get(jobid) as Job;
      job.record.restarts++;
      manager.#begin(job);
    }
    const { log = () => {} } = options;
    if (unfinished.length > 0) {
      const jobs = unfinished.length === 1 ? '1 job that a job' : `${unfinished.length} jobs that a job`;
      log(`Going on with ${jobs} manager before this one left unfinished.`);
    }
    return manager;
  }

  /** Resolves when the job is planned and kept. Throws `Refused`. */
  async submit(body: unknown): Promise<{ jobid: string }> {
    try {
      return { jobid: (await this.#submit(body)).record.jobid };
    } catch (error) {
      this.refused++;
      throw error;
    }
  }

  /** Newest first. */
  jobs(): JobRecord[] {
    return [...this.#jobs.values()].map(({ record }) => record).reverse();
  }

  job(jobid: string): JobRecord {
    return this.#find(jobid).record;
  }

  /** Its lanes end between two batches; what they did stays done. */
  async cancel(jobid: string): Promise<JobRecord> {
    const job = this.#find(jobid);
    if (ENDED.includes(job.record.state))
      throw new Refused(409, 'already-ended', `The job has ended: it is ${job.record.state}.`);
    job.canceled.abort();
    job.ending.abort();
    return job.record;
  }

  /** Lets batches end; jobs that have not ended are gone on with by the next job manager. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { ending } of this.#jobs.values()) ending.abort();
    await this.#options.cluster.stop();
    await Promise.all(this.#loops);
  }

  async #submit(body: unknown): Promise<Job> {
    const { modules, mostOpen = MOST_OPEN } = this.#options;
    const submission = submissionFrom(body, modules);
    if (this.#isStopping) throw new Refused(503, 'stopping', 'The job manager is being stopped.');
    if (this.#open() + this.#entering >= mostOpen)
      throw new Refused(503, 'too-many-jobs', `There are ${mostOpen} jobs that have not ended: try again later.`);
    if (submission.module !== null && this.#awaitTurn.length >= MOST_WAITING)
      throw new Refused(503, 'too-many-submissions', 'Too many modules wait to be planned: try again later.');
    this.#entering++;
    try {
      const firstPlan = submission.module === null ? null : await this.#plan(submission);
      const record: JobRecord = {
        jobid: randomBytes(16).toString('hex'),
        name: submission.job ?? basename(submission.module as string),
        ...{ state: 'CREATED', submission, created: Date.now(), ended: null },
        ...{ runs: 0, completed: 0, restarts: 0, result: null, error: null },
      };
      await this.#table.add(record);
      const job = { ...jobOf(record), firstPlan };
      this.#jobs.set(record.jobid, job);
      this.#forget();
      this.#begin(job);
      return job;
    } finally {
      this.#entering--;
    }
  }

  #open(): number {
    let open = 0;
    for (const { record } of this.#jobs.values()) if (!ENDED.includes(record.state)) open++;
    return open;
  }

  /** A few at a time: each takes a thread, or this one. Jobs that were taken wait however many there are. */
  async #plan({ module, options }: Submission): Promise<JobPlan> {
    const { planning, ownPackages, around, planLimitMs = PLAN_LIMIT_MS } = this.#options;
    if (this.#planning >= MOST_PLANNED) await new Promise<void>((resolve) => this.#awaitTurn.push(resolve));
    else this.#planning++;
    try {
      const request = {
        ...{ file: module as string, options, limitMs: planLimitMs },
        ...(ownPackages && { ownPackages }),
      };
      if (planning === 'worker') return await planInWorker(request);
      const plan = () => this.#contexts.plan(request);
      return await (around ? around(`plan ${basename(module as string)}`, plan) : plan());
    } finally {
      const next = this.#awaitTurn.shift();
      if (next) next();
      else this.#planning--;
    }
  }

  #begin(job: Job): void {
    const loop = this.#loop(job).catch((error) => {
      // its state could not be kept: the next job manager finds it unfinished
      const { log = () => {} } = this.#options;
      log(`Job ${job.record.jobid} is not gone on with: ${sentenceOf(error)}`);
    });
    this.#loops.add(loop);
    void loop.finally(() => this.#loops.delete(loop));
  }

  async #loop(job: Job): Promise<void> {
    const { record, canceled } = job;
    const ending = job.ending.signal;
    if (this.#isStopping) job.ending.abort();
    const { every, mode } = record.submission;
    const isRepeated = every !== null || mode === 'continuous';
    while (!ending.aborted) {
      const began = Date.now();
      record.runs++;
      await this.#save(job, 'RUNNING');
      const isWell = await this.#run(job);
      if (ending.aborted) break;
      if (!isRepeated) {
        await this.#end(job, isWell ? 'FINISHED' : 'FAILED');
        return;
      }
      await this.#save(job, 'RUNNING');
      const pause = every === null ? CONTINUOUS_PAUSE_MS : Math.max(0, began + every - Date.now());
      await delay(pause, undefined, { signal: ending }).catch(() => {});
    }
    if (canceled.signal.aborted) await this.#end(job, 'CANCELED');
  }

  /** Whether it ended well. */
  async #run(job: Job): Promise<boolean> {
    const { record, canceled } = job;
    const { log = () => {} } = this.#options;
    try {
      const lanes = await this.#options.cluster.run({
        ...{ ...(await this.#lanes(job)), key: record.jobid, signal: canceled.signal },
        onFailure: (why, { index, of }) =>
          log(`Lane ${index + 1} of ${of} of job ${record.name} failed and is begun again: ${why.split('\n')[0]}`),
      });
      if (!isShallow(lanes, MOST_DEPTH + 1)) throw new UserError(`The result is more than ${MOST_DEPTH} levels deep.`);
      const result = lanes.reduce(addCounts) ?? null;
      if (JSON.stringify(result).length > MOST_RESULT_KB * 1024)
        throw new UserError(`The result is larger than ${MOST_RESULT_KB} kB.`);
      record.result = result;
      record.completed++;
      record.error = null;
      return true;
    } catch (error) {
      if (!(error instanceof JobCanceled) && !this.#isStopping) record.error = sentenceOf(error);
      return false;
    }
  }

  /** A module is planned anew for each run, as what it asks the database may have changed. */
  async #lanes(job: Job): Promise<Lanes> {
    const { cluster, pipeline } = this.#options;
    const { name, submission } = job.record;
    const here = cluster.taskManagers.filter(({ isLost }) => !isLost);
    const all = Math.max(
      1,
      here.reduce((sum, { slots }) => sum + slots, 0),
    );
    if (submission.job !== null) {
      const options = { ...pipeline, job: submission.job, input: submission.input ?? '' } satisfies PipelineTaskOptions;
      return { name, module: PIPELINE_TASK, parallelism: submission.parallelism ?? all, options };
    }
    const plan = job.firstPlan ?? (await this.#plan(submission));
    job.firstPlan = null;
    const module = pathToFileURL(submission.module as string);
    const { parallelism, options } = plan;
    return { name, module, parallelism: submission.parallelism ?? parallelism, options };
  }

  async #end(job: Job, state: JobRecord['state']): Promise<void> {
    job.record.ended = Date.now();
    this.#options.cluster.forget(job.record.jobid);
    await this.#save(job, state);
  }

  /** Resolves when it is in the database, however long that is away. */
  async #save({ record }: Job, state: JobRecord['state']): Promise<void> {
    const { log = () => {} } = this.#options;
    for (let isFirst = true; ; isFirst = false) {
      try {
        await this.#table.save({ ...record, state });
        record.state = state;
        return;
      } catch (error) {
        if (this.#isStopping) throw error;
        if (isFirst) log(`Job ${record.jobid} waits until its state can be kept: ${sentenceOf(error)}`);
        await delay(SAVE_PAUSE_MS);
      }
    }
  }

  #find(jobid: string): Job {
    const job = this.#jobs.get(jobid);
    if (!job) throw new Refused(404, 'no-such-job', 'There is no such job.');
    return job;
  }

  /** The oldest that ended, beyond so many. */
  #forget(): void {
    if (this.#jobs.size <= 2 * MOST_KEPT) return;
    const old = [...this.#jobs.values()]
      .filter(({ record }) => ENDED.includes(record.state))
      .slice(0, this.#jobs.size - MOST_KEPT)
      .map(({ record }) => record.jobid);
    for (const id of old) this.#jobs.delete(id);
    // what stays in the table is forgotten by the next job manager
    this.#table.forget(old).catch(() => {});
  }
}

function jobOf(record: JobRecord): Job {
  return { record, canceled: new AbortController(), ending: new AbortController(), firstPlan: null };
}

function sentenceOf(error: unknown): string {
  if (error instanceof UserError || error instanceof Refused) return error.message;
  if (isDatabaseFailure(error)) return `The database failed: ${failureOf(error)}.`;
  return (error as Error)?.message?.split('\n')[0] ?? String(error);
}
