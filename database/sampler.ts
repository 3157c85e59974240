/** Watches a database's own side while something runs, and writes it down beside the processes' recordings. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DATABASE_PREFIX, DATABASE_SCHEMA, type DatabaseRecordingLine } from '../probe/recording/database.ts';
import { mask } from '../probe/recording/mask.ts';
import { Writer } from '../probe/recording/writer.ts';
import { UserError } from '../user-error.ts';
import type { DatabaseSide } from './side.ts';

/** Between two looks, milliseconds. */
const LOOK_MS = 1000;
/** A look may take this share of the time: a server that answers slowly is asked less often. */
const LOOK_SHARE = 0.05;
const SESSIONS_MS = 5000;
const MAX_SESSIONS = 500;
/** Between attempts to connect again. */
const RETRY_MS = 1000;

export interface Sampler {
  /** The recording's file. */
  readonly file: string;
  /** Takes a last look, if the database still answers, and closes its session. Never rejects. */
  stop(): Promise<void>;
}

/** Throws `UserError` when the database cannot be reached to begin with; a later loss is recorded as a gap. */
export async function startSampling(side: DatabaseSide, folder: string): Promise<Sampler> {
  const file = fileFor(side, folder);
  const startedMs = Date.now();
  const writer = new Writer<DatabaseRecordingLine>(file);
  const at = () => Date.now() - startedMs;
  try {
    const facts = await side.open();
    writer.write({ t: 'database', schema: DATABASE_SCHEMA, name: side.name, kind: side.kind, startedMs });
    writer.write({ t: 'server', at: at(), ...facts });
  } catch (error) {
    await side.close();
    throw new UserError(`The database at ${side.where} cannot be watched: ${reason(error)}.`, { cause: error });
  }

  const stopping = new AbortController();
  let sessionsAt = Number.NEGATIVE_INFINITY;
  let isLost = false;

  const look = async (isLast: boolean): Promise<number> => {
    const began = performance.now();
    const seen = await side.look();
    const tookMs = Math.round((performance.now() - began) * 10) / 10;
    writer.writeBulk({ t: 'look', at: at(), tookMs, ...seen });
    if (isLast || at() - sessionsAt >= SESSIONS_MS - LOOK_MS / 2) {
      sessionsAt = at();
      writer.writeBulk({ t: 'sessions', at: sessionsAt, ...(await side.sessions(MAX_SESSIONS)) });
    }
    return performance.now() - began;
  };
  const lose = async (error: unknown): Promise<void> => {
    writer.write({ t: 'gap', at: at(), why: reason(error), isRefused: side.isRefusal(error) });
    isLost = true;
    await side.close();
  };
  const regain = async (): Promise<void> => {
    const facts = await side.open();
    isLost = false;
    writer.write({ t: 'server', at: at(), ...facts });
  };
  const watch = async (): Promise<void> => {
    for (let dueAt = at(); !stopping.signal.aborted; dueAt = Math.max(dueAt, at())) {
      try {
        if (isLost) await regain();
        const tookMs = await look(false);
        dueAt += Math.max(LOOK_MS, tookMs / LOOK_SHARE);
      } catch (error) {
        await lose(error);
        dueAt = at() + RETRY_MS;
      }
      writer.flush();
      await delay(dueAt - at(), undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const watching = watch();

  return {
    file,
    stop: async () => {
      stopping.abort();
      await watching;
      if (!isLost) await look(true).catch(lose);
      writer.write({ t: 'end', at: at() });
      writer.close();
      await side.close();
    },
  };
}

/** Databases of one name on two servers have a file each. */
function fileFor({ name }: DatabaseSide, folder: string): string {
  const base = path.join(folder, DATABASE_PREFIX + name.replace(/[^\w.-]+/g, '_'));
  let file = `${base}.jsonl`;
  for (let count = 2; existsSync(file); count++) file = `${base}-${count}.jsonl`;
  return file;
}

function reason(error: unknown): string {
  // a name with several addresses gives one error for each of them and no message for all
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return mask(String((first as Error)?.message ?? first)).replace(/\.$/, '');
}
