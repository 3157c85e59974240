/** How far each input file is read. */
import type { InputFile } from '../records/files.ts';
import type { Connection, ConnectionPool } from '../store/store.ts';
import { insertNew } from '../store/upsert.ts';

export interface Progress {
  /** Elements of the source that are already published. */
  elements: number;
  complete: boolean;
  /** Counts the changes, so that of two that read the same file only one can save. */
  revision: number;
}

/** Another ingest, or the end of one that was killed, has read on in the file meanwhile. */
export class StaleProgressError extends Error {}

/** Of a file that is as it was; one that has grown is to be read on, another one anew. */
export async function progressOf(file: InputFile, pool: ConnectionPool): Promise<Progress> {
  const connection = await pool.acquire();
  try {
    const [row] = await connection.query<Row>(READ, [file.path]);
    if (!row) return { elements: 0, complete: false, revision: 0 };
    const [before, now, revision] = [Number(row.bytes), file.bytes ?? UNREADABLE, Number(row.revision)];
    // Shrunk or readable at last: it is another file.
    const anew = row.complete && (now < before || before === UNREADABLE) && now !== before;
    if (anew) return { elements: 0, complete: false, revision };
    return { elements: Number(row.elements), complete: Boolean(row.complete) && now === before, revision };
  } finally {
    connection.release();
  }
}

const UNREADABLE = -1;

/** Throws `StaleProgressError` when the revision is not the one that was read: roll back then. */
export async function saveProgress(file: InputFile, progress: Progress, transaction: Connection): Promise<void> {
  const { elements, complete, revision } = progress;
  // numbers and 0 or 1 mean the same to both databases
  const values = [file.path, elements, Number(complete), file.bytes ?? UNREADABLE, revision + 1];
  const saved =
    revision === 0
      ? await transaction.executeMany(FIRST, [values])
      : await transaction.execute(FURTHER, [...values, revision]);
  if (saved === 0) throw new StaleProgressError();
}

/** Numbers may come as text, truth as 1. */
interface Row {
  elements: string | number;
  complete: boolean | number;
  bytes: string | number;
  revision: string | number;
}

const READ = 'select elements, complete, bytes, revision from ingest_progress where source = $1';

const FIRST = insertNew(
  'ingest_progress',
  { source: 'text' },
  { elements: 'bigint', complete: 'boolean', bytes: 'bigint', revision: 'bigint' },
);

const FURTHER = `
  update ingest_progress set elements = $2, complete = $3, bytes = $4, revision = $5
  where source = $1 and revision = $6`;
