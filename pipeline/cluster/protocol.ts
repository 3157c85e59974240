/** What the runner and its task managers tell each other. */
import type { ConnectionAccount } from '../connections/factory.ts';
import type { ConnectionSettings } from '../connections/settings.ts';
import type { ConnectionPool } from '../store/store.ts';

/** One lane of a job's parallel work. Plain data. */
export interface Task {
  id: number;
  job: string;
  /** Of the job among all: tasks of one key share what their job has to itself. */
  key: string;
  /** URL of a module whose default export is a `TaskBody`. */
  module: string;
  /** Which of the job's `of` lanes. */
  index: number;
  of: number;
  /** 1 at first; more after a failure or the death of its task manager. */
  attempt: number;
  options: unknown;
}

/** What a task has to work with. */
export interface TaskContext extends Omit<Task, 'module' | 'id' | 'key'> {
  slot: number;
  /** By the pool model; closed by the task slot. */
  connections: ConnectionPool;
  /** Ends the task early, between two batches. */
  signal: AbortSignal;
  /** Whether an error is that of a logon, which the connections' account has. */
  isLogonError(error: unknown): boolean;
  /** Tells the runner how far it is: plain data. */
  tell(note: unknown): void;
}

/**
 * The work of a lane. It may be begun again at any moment, in another process, while the first attempt's last
 * transaction is still under way: all that it does must be safe to repeat. The result is plain data.
 */
export type TaskBody = (context: TaskContext) => Promise<unknown>;

/**
 * What a job's module is loaded into. `none`: once into the task manager. `context`: for each task into a native context
 * of its own, of the task manager's thread. `worker`: the same in a thread of the job, whose memory is limited.
 */
export const ISOLATIONS = ['none', 'context', 'worker'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

export interface TaskManagerSettings {
  /** From 1. */
  number: number;
  slots: number;
  connections: ConnectionSettings;
  isolation: Isolation;
  /** Of a job's thread. */
  memoryMb: number;
  /** Without a word for so many milliseconds it ends itself, as its tasks are begun again elsewhere; undefined: never. */
  leaseMs?: number;
}

/** Of a task manager, at its last heartbeat. */
export interface Metrics {
  /** Open to the database. */
  connections: number;
  /** Of the whole process; null where nobody tells. */
  threads: number | null;
  /** Native contexts of its main thread. */
  contexts: number;
  /** Bytes. */
  heapUsed: number;
  rss: number;
}

export type ToTaskManager =
  | { do: 'configure'; settings: TaskManagerSettings }
  | { do: 'run'; task: Task; slot: number }
  | { do: 'cancel'; task: number }
  | { do: 'account' }
  /** The job has ended: there are no more tasks of it. */
  | { do: 'forget'; key: string }
  /** To be answered at once, by `alive`. */
  | { do: 'beat' }
  | { do: 'stop' };

export type FromTaskManager =
  | { tells: 'ready' }
  | { tells: 'alive'; metrics: Metrics }
  | { tells: 'done'; task: number; result: unknown }
  /** `isForGood`: to try again is of no use. */
  | { tells: 'failed'; task: number; error: string; isForGood: boolean }
  | { tells: 'note'; task: number; note: unknown }
  | { tells: 'account'; account: ConnectionAccount };

/** Code of a job's own may send to its parent as well, whatever it likes. */
export function isFromTaskManager(message: unknown): message is FromTaskManager {
  return typeof message === 'object' && message !== null && 'tells' in message;
}
