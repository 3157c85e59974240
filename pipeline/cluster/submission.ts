/** What a client may ask to be run, checked field by field. */
import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { JOBS, type JobName } from '../pipeline.ts';
import { Refused } from './refused.ts';

export const MODES = ['bounded', 'continuous'] as const;
export type Mode = (typeof MODES)[number];

/** Plain data; kept in the database. */
export interface Submission {
  /** Of the pipeline's own jobs, which; or null with `module`. */
  job: JobName | null;
  /** Path of a job's own module, inside the folder of modules. */
  module: string | null;
  mode: Mode;
  /** Begins a bounded run again so many milliseconds after the last began. */
  every: number | null;
  /** Folder or file that ingest reads. */
  input: string | null;
  /** Lanes; null: as many as there are slots, or as the module plans. */
  parallelism: number | null;
  /** For the module. */
  options: unknown;
}

const FIELDS = ['job', 'module', 'mode', 'every', 'input', 'parallelism', 'options'];
const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SHORTEST_EVERY_MS = 100;
/** Of 24 days: no timer waits for longer than a little more. */
const LONGEST_EVERY_MS = 24 * 24 * 3_600_000;
export const MOST_DEPTH = 100;

/** Throws `Refused`. `modules`: the folder that modules lie in; null: none are taken. */
export function submissionFrom(body: unknown, modules: string | null): Submission {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('The body must be a JSON object.');
  if (!isShallow(body) || !isWell(body))
    throw wrong(`The job must have no NUL and no half of a character, and be at most ${MOST_DEPTH} levels deep.`);
  const fields = body as Record<string, unknown>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown) throw wrong(`There is no field "${unknown}"; there is ${FIELDS.join(', ')}.`);
  const { job = null, module = null, mode = 'bounded', every, input = null, parallelism = null, options } = fields;
  if ((job === null) === (module === null)) throw wrong('Give either "job" or "module".');
  if (job !== null) oneOf('job', job, JOBS);
  if (input !== null && (typeof input !== 'string' || input === '')) throw wrong('"input" must be a path.');
  if (job === 'ingest' && input === null) throw wrong('The job ingest needs "input", a folder or file.');
  if (job !== 'ingest' && input !== null) throw wrong('"input" is for the job ingest alone.');
  if (job !== null && options !== undefined) throw wrong('"options" are given to a module; the jobs have none.');
  if (parallelism !== null && !isWhole(parallelism, 1, 1024))
    throw wrong('"parallelism" must be a whole number from 1 to 1024.');
  return {
    job: job as JobName | null,
    module: module === null ? null : moduleIn(modules, module),
    mode: oneOf('mode', mode, MODES),
    every: every === undefined ? null : durationOf(every),
    ...{ input, parallelism: parallelism as number | null, options },
  };
}

function oneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw wrong(`"${name}" must be one of ${allowed.join(', ')}.`);
}

function durationOf(value: unknown): number {
  const [, count, unit = ''] = /^(\d{1,6})(ms|s|m|h)$/.exec(String(value)) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (ms >= SHORTEST_EVERY_MS && ms <= LONGEST_EVERY_MS) return ms;
  throw wrong('"every" must be a time such as "30s" or "5m", from "100ms" to "576h".');
}

/** Whether a database keeps its texts as they are. */
function isWell(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, each]) => isWell(name) && isWell(each));
}

/** Whether plain data has so many levels at most. */
export function isShallow(value: unknown, levels = MOST_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
}

/** Only what lies in the folder: a client must not have any file of this machine run. */
function moduleIn(folder: string | null, module: unknown): string {
  if (folder === null)
    throw new Refused(403, 'no-modules', 'This job manager takes no modules; it was started without --modules DIR.');
  if (typeof module !== 'string' || module.length === 0) throw wrong('"module" must be a path.');
  const root = realpathSync(folder);
  let file: string;
  try {
    file = realpathSync(resolve(root, module));
  } catch {
    throw new Refused(404, 'no-such-module', 'There is no such module in the folder of modules.');
  }
  const inside = relative(root, file);
  if (inside.startsWith('..') || isAbsolute(inside))
    throw new Refused(403, 'no-modules', 'The module is not in the folder of modules.');
  return file;
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function wrong(sentence: string): Refused {
  return new Refused(400, 'bad-request', sentence);
}
