/** Reads files or standard input and publishes curated records; what cannot become one goes to the dead letters. */

import { setImmediate } from 'node:timers/promises';
import type { Patiently } from '../patience.ts';
import { type Element, elementsOf, LIMITS, type Limits } from '../records/elements.ts';
import { chunksOf, filesOf, type InputFile } from '../records/files.ts';
import type { CloudRecord, DeadLetterReason, RecordSource, Unusable } from '../records/record.ts';
import { partitionOf, type Share } from '../streams/stream.ts';
import { IngestWriter, type Mark } from './ingest-writer.ts';
import type { JobOptions } from './job.ts';
import { PAUSE, withPauses } from './pauses.ts';
import { type Progress, progressOf, StaleProgressError } from './progress.ts';

export interface IngestOptions extends JobOptions {
  /** A folder, a file, or `-` for standard input (`stdin`), which is read from its start at every run. */
  input: string;
  stdin?: AsyncIterable<Buffer>;
  /** Of several that share the files, by their paths. */
  share?: Share;
  limits?: Limits;
  /** Which records are published; all of them by default. The others are counted, and known to the inventory. */
  wanted?: ((records: CloudRecord[]) => CloudRecord[]) | undefined;
  /** Publishes a batch that is not full after so many milliseconds. */
  linger?: number;
  /** Runs a transaction again that failed, where what it holds cannot be read again. */
  patiently?: Patiently | undefined;
}

export interface IngestCounts {
  /** Files read in this run, and those already complete. */
  files: number;
  filesBefore: number;
  records: Partial<Record<RecordSource, number>>;
  deadLetters: Partial<Record<DeadLetterReason, number>>;
}

/** So many files are asked for, and published, together: small ones would cost a trip and a commit each. */
const FILES_AT_ONCE = 200;

/** After so many the event loop has its turn, so that the transaction under way gets on: about a millisecond. */
const ELEMENTS_A_TURN = 100;

/**
 * Exactly once over restarts for files: how far a file is read is saved in the transaction that publishes.
 * A file that has grown since is read on; one that has shrunk is read anew. Throws `UserError` when there is no input.
 */
export async function runIngest(options: IngestOptions): Promise<IngestCounts> {
  const counts = noCounts();
  if (options.input === '-') {
    await ingestStream(options.stdin ?? process.stdin, options, counts);
    return counts;
  }
  const { signal, share } = options;
  const own = async function* () {
    for await (const file of filesOf(options.input)) {
      if (signal?.aborted) return;
      if (!share || partitionOf(file.path, share.of) === share.index) yield file;
    }
  };
  await ingestFiles(own(), options, counts);
  return counts;
}

export function noCounts(): IngestCounts {
  return { files: 0, filesBefore: 0, records: {}, deadLetters: {} };
}

/** Standard input, which is read from its start each time. */
export async function ingestStream(stdin: AsyncIterable<Buffer>, options: IngestOptions, counts: IngestCounts) {
  const writer = new IngestWriter(options, counts);
  await ingestSource('-', elementsOf(stdin, options.limits ?? LIMITS), null, NOTHING_READ, options, writer);
  await writer.end();
  counts.files++;
}

const NOTHING_READ: Progress = { elements: 0, complete: false, revision: 0 };

export async function ingestFiles(
  files: AsyncIterable<InputFile> | Iterable<InputFile>,
  options: IngestOptions,
  counts: IngestCounts,
): Promise<void> {
  let some: InputFile[] = [];
  const ingestSome = async () => {
    while (some.length > 0) some = await tryFiles(some, options, counts);
  };
  for await (const file of files) if (some.push(file) >= FILES_AT_ONCE) await ingestSome();
  await ingestSome();
}

/** Gives those that have to be done again, from the progress that another has made. */
async function tryFiles(files: readonly InputFile[], options: IngestOptions, counts: IngestCounts) {
  const known = await progressOf(files, options.pool);
  const writer = new IngestWriter(options, counts);
  const open = files.filter((_, index) => !known[index]!.complete);
  counts.filesBefore += files.length - open.length;
  try {
    for (const file of open) {
      if (options.signal?.aborted) break;
      await ingestSource(file.path, elementsIn(file, options), file, known[files.indexOf(file)]!, options, writer);
    }
    await writer.end();
    return [];
  } catch (error) {
    if (!(error instanceof StaleProgressError)) throw error;
    return open.filter((file) => !writer.completed.has(file.path));
  } finally {
    counts.files += writer.completed.size;
  }
}

function elementsIn({ path, problem }: InputFile, { limits = LIMITS }: IngestOptions) {
  return problem ? [[asElement(problem)]] : elementsOf(chunksOf(path), limits);
}

/** Reads all of it; what is not written yet is when the writer ends. Gives the mark, which knows the revision then. */
export async function ingestSource(
  source: string,
  elements: AsyncIterable<Element[]> | Iterable<Element[]>,
  file: InputFile | null,
  progress: Progress,
  { signal, linger }: IngestOptions,
  writer: IngestWriter,
  /** Of the first element, among all of the source. */
  first = 0,
): Promise<Mark> {
  const mark: Mark = { source, file, ...progress, elements: first, complete: false };
  writer.read(mark);
  let due = Number.POSITIVE_INFINITY;
  for await (const some of linger === undefined ? elements : withPauses(elements, linger)) {
    for (const element of some === PAUSE ? [] : some) {
      if (signal?.aborted) return mark;
      if (mark.elements++ < progress.elements) continue;
      if (writer.isEmpty && linger !== undefined) due = Date.now() + linger;
      writer.add(element, source);
      if (mark.elements % ELEMENTS_A_TURN === 0) await setImmediate();
      if (writer.isFull) await writer.flush();
    }
    if (signal?.aborted) return mark;
    if (!writer.isEmpty && Date.now() >= due) await writer.flush();
  }
  if (signal?.aborted) return mark;
  mark.complete = true;
  return mark;
}

function asElement(problem: Unusable): Element {
  return { position: 'file', size: 0, problem, sample: Buffer.alloc(0) };
}
