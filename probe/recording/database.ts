/**
 * A database's own side of a run: `database-<name>.jsonl` in the run's folder, append-only JSON lines like a process's
 * recording. Times (`at`) are milliseconds since the first line's `startedMs`; a reader skips what it does not know.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import {
  type Check,
  flag,
  isObject,
  listOf,
  maybe,
  number,
  oneOf,
  optional,
  recordOf,
  shape,
  text,
  time,
} from './check.ts';
import { readLines } from './lines.ts';

export const DATABASE_SCHEMA = 'outlive.database/1';
export const DATABASE_PREFIX = 'database-';

export const DATABASE_KINDS = ['postgresql', 'oracle', 'mysql', 'redis'] as const;
export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** What a session does. `idle in transaction`: nothing, but its transaction is open. */
export const SESSION_STATES = ['active', 'idle', 'idle in transaction', 'other'] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** First line of the file. */
export interface DatabaseLine {
  t: 'database';
  schema: typeof DATABASE_SCHEMA;
  /** As the reports call it. */
  name: string;
  kind: DatabaseKind;
  /** Wall clock of the machine that samples, milliseconds since 1970; the zero of every `at`. */
  startedMs: number;
}

/** What the sampler found when it connected; again after each loss. */
export interface ServerFacts {
  /** `PostgreSQL 18.4`. */
  version: string;
  /** `address:port` that the sampler's own socket speaks to. */
  address: string;
  /** The database that it is connected to. */
  database: string;
  /** Sessions that the server accepts; null: unknown. */
  maxSessions: number | null;
  /** Processors of the server's machine; null: elsewhere. */
  cores: number | null;
  /** What cannot be seen here, and why; one sentence each. */
  missing: string[];
}

export interface ServerLine extends ServerFacts {
  t: 'server';
  at: number;
}

/** The state of the server at one moment; the sampler's own session is in none of the numbers. */
export interface Look {
  /** Sessions of all users and databases, by state. */
  sessions: Record<SessionState, number>;
  /** Sessions by the class of what they wait for (`Lock`, `IO`…), without those that wait for their client. */
  waits: Record<string, number>;
  /** Since the server began, in the sampled database. */
  totals: {
    commits: number;
    rollbacks: number;
    deadlocks: number;
    /** Sessions that ended by an error, a kill or a lost client. */
    lost: number;
  };
  /** CPU time of the server's processes since some moment, milliseconds; null: not on this machine, or not looked at. */
  cpuMs: number | null;
  /** Memory of their own, without what they share; bytes. */
  memoryBytes: number | null;
  /** Transactions that are prepared and of no session any more; since when the oldest is, milliseconds. */
  prepared?: { count: number; oldestMs: number };
}

export interface LookLine extends Look {
  t: 'look';
  at: number;
  /** How long the server took to answer, milliseconds. */
  tookMs: number;
}

export interface Session {
  /** PostgreSQL's backend pid, Oracle's `sid,serial#`, the number of a connection in MySQL and of a client in Redis. */
  id: string;
  /** The client's end of the socket; null where it is hidden or there is none. */
  address: string | null;
  port: number | null;
  /** What the driver knows the session by, where the server tells it. */
  connectionId: string | null;
  application: string | null;
  database: string | null;
  state: SessionState;
  /** Milliseconds: in this state, in its transaction, since logon. */
  stateMs: number;
  transactionMs: number | null;
  ageMs: number;
  /** `Lock: transactionid`; null: nothing, or its client. */
  wait: string | null;
  /** Sessions (`id`) whose locks it waits for. */
  blockedBy: string[];
  /** Shape of its statement, without literals. */
  statement: string | null;
  /** Advisory locks that it has. */
  locks?: number;
}

/** All sessions but the sampler's own, less often than looks. */
export interface SessionsLine {
  t: 'sessions';
  at: number;
  sessions: Session[];
  /** Sessions beyond those listed, idle ones first. */
  omitted: number;
}

/** From here on nothing was seen; the next `server` line ends it. */
export interface GapLine {
  t: 'gap';
  at: number;
  why: string;
  /** The server had no session left for the sampler. */
  isRefused: boolean;
}

/** The sampler ended by itself. */
export interface DatabaseEndLine {
  t: 'end';
  at: number;
}

export type DatabaseRecordingLine = DatabaseLine | ServerLine | LookLine | SessionsLine | GapLine | DatabaseEndLine;

/** A database's recording, read back. */
export interface DatabaseRecording {
  file: string;
  database: DatabaseLine;
  /** The latest; null when it was never reached. */
  server: ServerLine | null;
  looks: LookLine[];
  sessions: SessionsLine[];
  /** `to` null: to the end. */
  gaps: { from: number; to: number | null; why: string; isRefused: boolean }[];
  lastAt: number;
  problems: string[];
}

/** The databases' recordings in a run's folder, by name. */
export function readDatabases(folder: string): { databases: DatabaseRecording[]; problems: string[] } {
  const names = readdirSync(folder).filter(isDatabaseRecording).sort();
  const read = names.map((name) => readDatabase(path.join(folder, name)));
  return {
    databases: read.filter((recording) => typeof recording !== 'string'),
    problems: read.filter((problem) => typeof problem === 'string'),
  };
}

export function isDatabaseRecording(name: string): boolean {
  return name.startsWith(DATABASE_PREFIX) && name.endsWith('.jsonl');
}

/** One recording, or a sentence that says why it is none. */
export function readDatabase(file: string): DatabaseRecording | string {
  const name = path.basename(file);
  let read: DatabaseRecording | string | null = null;
  const problem = readLines(file, isSound, (line) => {
    if (read === null) read = begin(file, line);
    else if (typeof read !== 'string') fold(read, line);
    return typeof read !== 'string';
  });
  const recording = read as DatabaseRecording | string | null;
  if (recording === null || typeof recording === 'string') {
    return recording ?? (problem?.includes('skipped') ? foreign(name) : (problem ?? foreign(name)));
  }
  if (problem !== null) recording.problems.push(problem);
  return recording;
}

function begin(file: string, first: DatabaseRecordingLine): DatabaseRecording | string {
  const name = path.basename(file);
  if (first.t !== 'database') return foreign(name);
  if (first.schema !== DATABASE_SCHEMA)
    return `${name} is of format ${first.schema}; this version reads ${DATABASE_SCHEMA}.`;
  return { file, database: first, server: null, looks: [], sessions: [], gaps: [], lastAt: 0, problems: [] };
}

function foreign(name: string): string {
  return `${name} is not a database's recording of outlive.`;
}

const session = shape({
  ...{ id: text, address: maybe(text), port: maybe(number), connectionId: maybe(text), application: maybe(text) },
  ...{ database: maybe(text), state: oneOf(SESSION_STATES), stateMs: number, transactionMs: maybe(number) },
  ...{ ageMs: number, wait: maybe(text), blockedBy: listOf(text), statement: maybe(text) },
  locks: optional(number),
});
const SOUND: Readonly<Record<DatabaseRecordingLine['t'], Check>> = {
  database: shape({ schema: text, name: text, kind: oneOf(DATABASE_KINDS), startedMs: time }),
  server: shape({
    ...{ at: time, version: text, address: text, database: text },
    ...{ maxSessions: maybe(number), cores: maybe(number), missing: listOf(text) },
  }),
  look: shape({
    ...{ at: time, sessions: shape(Object.fromEntries(SESSION_STATES.map((state) => [state, number]))) },
    waits: recordOf(number),
    totals: shape({ commits: number, rollbacks: number, deadlocks: number, lost: number }),
    ...{ cpuMs: maybe(number), memoryBytes: maybe(number), tookMs: number },
    prepared: optional(shape({ count: number, oldestMs: number })),
  }),
  sessions: shape({ at: time, sessions: listOf(session), omitted: number }),
  gap: shape({ at: time, why: text, isRefused: flag }),
  end: shape({ at: time }),
};

/** A file may be cut off, edited, or of another program; types that this version does not know say nothing. */
function isSound(line: unknown): line is DatabaseRecordingLine {
  if (!isObject(line) || typeof line.t !== 'string') return false;
  return !Object.hasOwn(SOUND, line.t) || SOUND[line.t as DatabaseRecordingLine['t']](line);
}

function fold(recording: DatabaseRecording, line: DatabaseRecordingLine): void {
  if ('at' in line && time(line.at) && line.at > recording.lastAt) recording.lastAt = line.at;
  const gap = recording.gaps.at(-1);
  switch (line.t) {
    case 'server':
      recording.server = line;
      if (gap) gap.to ??= line.at;
      break;
    case 'look':
      recording.looks.push(line);
      break;
    case 'sessions':
      recording.sessions.push(line);
      break;
    case 'gap':
      if (gap && gap.to === null) gap.isRefused ||= line.isRefused;
      else recording.gaps.push({ from: line.at, to: null, why: line.why, isRefused: line.isRefused });
      break;
  }
}
