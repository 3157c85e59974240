/** How far each input file is read. */
import type { InputFile } from '../records/files.ts';
import type { Connection, ConnectionPool } from '../store/store.ts';

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
    const [row] = await connection.query<{ elements: string; complete: boolean; bytes: string; revision: string }>(
      'select elements, complete, bytes, revision from ingest_progress where source = $1',
      [file.path],
    );
    if (!row) return { elements: 0, complete: false, revision: 0 };
    const [before, now, revision] = [Number(row.bytes), file.bytes ?? UNREADABLE, Number(row.revision)];
    // Shrunk or readable at last: it is another file.
    const anew = row.complete && (now < before || before === UNREADABLE) && now !== before;
    if (anew) return { elements: 0, complete: false, revision };
    return { elements: Number(row.elements), complete: row.complete && now === before, revision };
  } finally {
    connection.release();
  }
}

const UNREADABLE = -1;

/** Throws `StaleProgressError` when the revision is not the one that was read: roll back then. */
export async function saveProgress(file: InputFile, progress: Progress, transaction: Connection): Promise<void> {
  const saved = await transaction.query(
    `insert into ingest_progress as saved (source, elements, complete, bytes, revision) values ($1, $2, $3, $4, $5 + 1)
     on conflict (source) do update
     set elements = excluded.elements, complete = excluded.complete, bytes = excluded.bytes, revision = excluded.revision
     where saved.revision = $5
     returning revision`,
    [file.path, progress.elements, progress.complete, file.bytes ?? UNREADABLE, progress.revision],
  );
  if (saved.length === 0) throw new StaleProgressError();
}
