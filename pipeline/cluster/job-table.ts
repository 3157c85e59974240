/** What the job manager knows of its jobs, kept in the store's database so that it survives the job manager. */
import type { ConnectionPool, Session } from '../store/store.ts';
import { table } from '../store/tables.ts';
import type { Submission } from './submission.ts';

export const STATES = ['CREATED', 'RUNNING', 'FINISHED', 'FAILED', 'CANCELED'] as const;
export type JobState = (typeof STATES)[number];
export const ENDED: readonly JobState[] = ['FINISHED', 'FAILED', 'CANCELED'];

export interface JobRecord {
  jobid: string;
  name: string;
  state: JobState;
  submission: Submission;
  /** Milliseconds since 1970. */
  created: number;
  ended: number | null;
  /** Runs that were begun. */
  runs: number;
  /** Runs that ended well. */
  completed: number;
  /** How often a job manager found it unfinished and went on with it. */
  restarts: number;
  /** Of the last run that ended well. */
  result: unknown;
  /** Of the last run that did not. */
  error: string | null;
}

const TABLES = [
  table(
    ({ name, bigint, jsonb }) => `create table cluster_jobs (
    id ${name} primary key,
    state ${name} not null,
    created ${bigint} not null,
    record ${jsonb} not null
  )`,
  ),
];
const INSERT = 'insert into cluster_jobs (id, state, created, record) values ($1, $2, $3, $4)';
const UPDATE = 'update cluster_jobs set state = $2, record = $3 where id = $1';
const SELECT = 'select record from cluster_jobs order by created desc, id';
const DELETE = {
  postgres: 'delete from cluster_jobs where id = any($1::text[])',
  oracle: 'delete from cluster_jobs where id = $1',
};
/** Of those that ended. */
export const MOST_KEPT = 1000;

export class JobTable {
  readonly #pool: ConnectionPool;

  private constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  static async open(pool: ConnectionPool): Promise<JobTable> {
    const opened = new JobTable(pool);
    await opened.#use((session) => session.createTables(TABLES));
    return opened;
  }

  /** All that have not ended, and the latest of the others; oldest first. What is older is gone for good. */
  async read(): Promise<JobRecord[]> {
    const rows = await this.#use((session) => session.query<{ record: string | JobRecord }>(SELECT));
    const all = rows.map(({ record }) => (typeof record === 'string' ? JSON.parse(record) : record) as JobRecord);
    let ended = 0;
    const isOld = ({ state }: JobRecord) => ENDED.includes(state) && ++ended > MOST_KEPT;
    const old = new Set(all.filter(isOld));
    await this.forget([...old].map(({ jobid }) => jobid));
    return all.filter((record) => !old.has(record)).reverse();
  }

  async forget(jobids: readonly string[]): Promise<void> {
    if (jobids.length === 0) return;
    await this.#use((session) =>
      session.executeMany(
        DELETE,
        jobids.map((jobid) => [jobid]),
      ),
    );
  }

  add(job: JobRecord): Promise<unknown> {
    const values = [job.jobid, job.state, job.created, textOf(job)];
    return this.#use((session) => session.execute(INSERT, values));
  }

  save(job: JobRecord): Promise<unknown> {
    return this.#use((session) => session.execute(UPDATE, [job.jobid, job.state, textOf(job)]));
  }

  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#pool.acquire();
    try {
      const result = await work(connection);
      connection.release();
      return result;
    } catch (error) {
      connection.release(error as Error);
      throw error;
    }
  }
}

/** As JSON. What a job said may hold what no database keeps: NUL, and halves of characters. */
function textOf(job: JobRecord): string {
  return JSON.stringify(job).replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f]..)/g, '$1\\ufffd');
}
