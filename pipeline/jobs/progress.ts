/** How far each input file is read. */
import type { InputFile } from '../records/files.ts';
import { type LookUp, lookUp } from '../store/look-up.ts';
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

/** Of each file. One that is as it was is complete; one that has grown is to be read on, another one anew. */
export async function progressOf(files: readonly InputFile[], pool: ConnectionPool): Promise<Progress[]> {
  const rows = new Map<string, Row>();
  const connection = await pool.acquire();
  try {
    const paths = files.map(({ path }) => [path]);
    for (const row of await lookUp<Row>(connection, PROGRESS, paths)) rows.set(row.source, row);
  } finally {
    connection.release();
  }
  return files.map((file) => progressFrom(rows.get(file.path), file));
}

function progressFrom(row: Row | undefined, file: InputFile): Progress {
  if (!row) return { elements: 0, complete: false, revision: 0 };
  const [before, now, revision] = [Number(row.bytes), file.bytes ?? UNREADABLE, Number(row.revision)];
  // Shrunk or readable at last: it is another file.
  const anew = row.complete && (now < before || before === UNREADABLE) && now !== before;
  if (anew) return { elements: 0, complete: false, revision };
  return { elements: Number(row.elements), complete: Boolean(row.complete) && now === before, revision };
}

const UNREADABLE = -1;

/** Throws `StaleProgressError` when a revision is not the one that was read: roll back then. */
export async function saveProgress(
  marks: readonly (Progress & { file: InputFile | null })[],
  transaction: Connection,
): Promise<void> {
  const firsts: unknown[][] = [];
  const furthers: unknown[][] = [];
  for (const { file, elements, complete, revision } of marks) {
    if (file === null) continue;
    // numbers and 0 or 1 mean the same to both databases
    const values = [file.path, elements, Number(complete), file.bytes ?? UNREADABLE, revision + 1];
    if (revision === 0) firsts.push(values);
    else furthers.push([...values, revision]);
  }
  const saved = await transaction.executeMany(FIRST, firsts);
  if (saved < firsts.length) throw new StaleProgressError();
  for (const values of furthers) if ((await transaction.execute(FURTHER, values)) === 0) throw new StaleProgressError();
}

/** Numbers may come as text, truth as 1. */
interface Row {
  source: string;
  elements: string | number;
  complete: boolean | number;
  bytes: string | number;
  revision: string | number;
}

const PROGRESS: LookUp = {
  select: 'select source, elements, complete, bytes, revision from ingest_progress',
  key: { source: 'text' },
};

const FIRST = insertNew(
  'ingest_progress',
  { source: 'text' },
  { elements: 'bigint', complete: 'boolean', bytes: 'bigint', revision: 'bigint' },
);

const FURTHER = `
  update ingest_progress set elements = $2, complete = $3, bytes = $4, revision = $5
  where source = $1 and revision = $6`;
