/** How a task manager of another process or machine comes to the job manager: one HTTP request that becomes a socket. */
import type { FromTaskManager } from './protocol.ts';

/** What the request asks its connection to become. Another number is another language. */
export const PROTOCOL = 'outlive-task-manager/1';
/** Whatever its number. */
export const ANY_PROTOCOL = /^outlive-task-manager\//;
export const PLACE = '/taskmanagers';

/** Holds a `Registration` as JSON. */
export const HEADER = 'task-manager';

export interface Registration {
  /** Of this start of it: the same when it comes again. */
  id: string;
  host: string;
  pid: number;
  slots: number;
}

/** What the job manager answers, before it asks it to do anything. */
export interface Admission {
  /** Without a word of the job manager for so many milliseconds its tasks are begun again elsewhere, so it must end them. */
  leaseMs: number;
  /** Where modules lie on the job manager's machine, as URLs; they are looked for at the same places here. */
  folders: Folders;
}

export interface Folders {
  /** The module of the pipeline's own jobs. */
  pipeline: string;
  /** The folder of `--modules`, with a slash at its end; null: there is none. */
  modules: string | null;
}

/** Sent for a task manager that does not answer, by who sees that it is at work. */
export type FromElsewhere = FromTaskManager | { tells: 'busy' };

export const MOST_SLOTS = 256;

/** Null: it is none. */
export function registrationOf(header: string | string[] | undefined): Registration | null {
  let value: Partial<Registration> | null;
  try {
    value = JSON.parse(String(header));
  } catch {
    return null;
  }
  const { id, host, pid, slots } = value ?? {};
  const isWell = /^[0-9a-f]{8}$/.test(String(id)) && /^[\w.:-]{1,255}$/.test(String(host));
  return isWell && isWhole(pid, 2 ** 31) && isWhole(slots, MOST_SLOTS) ? (value as Registration) : null;
}

function isWhole(number: unknown, most: number): boolean {
  return Number.isInteger(number) && (number as number) >= 1 && (number as number) <= most;
}
