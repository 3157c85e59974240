/** Reads files or standard input and publishes curated records; what cannot become one goes to the dead letters. */

import type { Patiently } from '../patience.ts';
import { curate } from '../records/curate.ts';
import { type Element, elementsOf, LIMITS, type Limits } from '../records/elements.ts';
import type { Envelope } from '../records/envelope.ts';
import { fieldsOf, firstText } from '../records/fields.ts';
import { chunksOf, filesOf, type InputFile } from '../records/files.ts';
import {
  type CloudRecord,
  DEAD_LETTERS_TOPIC,
  type DeadLetter,
  type DeadLetterReason,
  RECORDS_TOPIC,
  type RecordSource,
  Unusable,
} from '../records/record.ts';
import type { Connection } from '../store/store.ts';
import { upsert } from '../store/upsert.ts';
import { partitionOf, type Share } from '../streams/stream.ts';
import { count, type JobOptions, MAX_BATCH, transact } from './job.ts';
import { letter } from './letters.ts';
import { PAUSE, withPauses } from './pauses.ts';
import { type Progress, progressOf, StaleProgressError, saveProgress } from './progress.ts';

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

/** What is published together with the new progress of its source. */
interface Pending {
  records: CloudRecord[];
  deadLetters: DeadLetter[];
  elements: number;
  bytes: number;
}

/** A transaction is closed at this many bytes of input, however few elements they are. */
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Exactly once over restarts for files: how far a file is read is saved in the transaction that publishes.
 * A file that has grown since is read on; one that has shrunk is read anew. Throws `UserError` when there is no input.
 */
export async function runIngest(options: IngestOptions): Promise<IngestCounts> {
  const counts = noCounts();
  if (options.input === '-') {
    const elements = elementsOf(options.stdin ?? process.stdin, options.limits ?? LIMITS);
    await ingestSource('-', elements, null, { elements: 0, complete: false, revision: 0 }, options, counts);
    counts.files = 1;
    return counts;
  }
  for await (const file of filesOf(options.input)) {
    if (options.signal?.aborted) break;
    if (options.share && partitionOf(file.path, options.share.of) !== options.share.index) continue;
    while (!(await ingestFile(file, options, counts)));
  }
  return counts;
}

export function noCounts(): IngestCounts {
  return { files: 0, filesBefore: 0, records: {}, deadLetters: {} };
}

/** False when it has to be done again from the progress that another has made. */
export async function ingestFile(file: InputFile, options: IngestOptions, counts: IngestCounts): Promise<boolean> {
  const progress = await progressOf(file, options.pool);
  if (progress.complete) {
    counts.filesBefore++;
    return true;
  }
  const elements = file.problem ? [asElement(file.problem)] : elementsOf(chunksOf(file.path), options.limits ?? LIMITS);
  try {
    await ingestSource(file.path, elements, file, progress, options, counts);
    counts.files++;
    return true;
  } catch (error) {
    if (error instanceof StaleProgressError) return false;
    throw error;
  }
}

/** Gives the revision of the progress that it has saved. */
export async function ingestSource(
  source: string,
  elements: AsyncIterable<Element> | Iterable<Element>,
  file: InputFile | null,
  progress: Progress,
  options: IngestOptions,
  counts: IngestCounts,
  /** Of the first element, among all of the source. */
  first = 0,
): Promise<number> {
  const maxBatch = options.maxBatch ?? MAX_BATCH;
  let ordinal = first;
  let { revision } = progress;
  let pending = nothing();
  let written = Promise.resolve();

  const write = async (batch: Pending, elements: number, complete: boolean) => {
    const writing = () =>
      transact(options, async (transaction) => {
        await publish(batch, `${source} ${elements}`, options, transaction);
        if (file) await saveProgress(file, { elements, complete, revision }, transaction);
      });
    await (options.patiently && !file ? options.patiently(writing) : writing());
    revision++;
    for (const record of batch.records) count(counts.records, record.source);
    for (const letter of batch.deadLetters) count(counts.deadLetters, letter.reason);
    options.observe?.('next-read');
  };
  // One transaction at a time, while the next batch is read.
  const flush = async (complete: boolean) => {
    await written;
    if (options.signal?.aborted) return;
    written = write(pending, ordinal, complete);
    written.catch(() => {}); // heard of when the next one, or the end, waits for it
    pending = nothing();
  };

  const { linger } = options;
  let due = Number.POSITIVE_INFINITY;
  for await (const element of linger === undefined ? elements : withPauses(elements, linger)) {
    if (options.signal?.aborted) break;
    if (element !== PAUSE) {
      if (ordinal++ < progress.elements) continue;
      if (pending.elements === 0 && linger !== undefined) due = Date.now() + linger;
      add(element, source, pending);
    }
    const isFull = pending.elements >= maxBatch || pending.bytes >= BATCH_BYTES;
    if (!isFull && (pending.elements === 0 || Date.now() < due)) continue;
    await flush(false);
    if (options.signal?.aborted) break;
  }
  await flush(true);
  await written;
  return revision;
}

function nothing(): Pending {
  return { records: [], deadLetters: [], elements: 0, bytes: 0 };
}

function add(element: Element, source: string, pending: Pending): void {
  pending.elements++;
  pending.bytes += element.size;
  try {
    if ('problem' in element) throw element.problem;
    pending.records.push(...curate(element.value, element.envelope));
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    const about = { reason: error.reason, detail: error.message, source, position: element.position };
    pending.deadLetters.push(
      'problem' in element
        ? letter(about, element.sample.toString())
        : letter(about, JSON.stringify(element.value), inEnvelope(element)),
    );
  }
}

/** With what the inventory learns of it. `cause` is what it was made of. */
export async function publish(
  pending: Pending,
  cause: string,
  { stream, wanted }: Pick<IngestOptions, 'stream' | 'wanted'>,
  transaction: Connection,
): Promise<void> {
  await saveAssets(pending.records, transaction);
  const published = wanted ? wanted(pending.records) : pending.records;
  const records = published.map((record) => ({ key: record.tenant, value: record }));
  await stream.publish(RECORDS_TOPIC, records, { transaction, cause });
  const letters = pending.deadLetters.map((letter) => ({ key: letter.source, value: letter }));
  await stream.publish(DEAD_LETTERS_TOPIC, letters, { transaction, cause });
}

async function saveAssets(records: CloudRecord[], transaction: Connection): Promise<void> {
  const assets = new Map<string, (string | null)[]>();
  for (const { kind, tenant, compartment, resource, name, region, raw } of records) {
    if (kind !== 'resource' || resource === null) continue;
    assets.set(`${tenant}\n${resource}`, [tenant, resource, name, region, ownerOf(raw), compartment]);
  }
  if (assets.size === 0) return;
  // In one order everywhere, so that two ingests do not deadlock.
  const rows = [...assets.keys()].sort().map((key) => assets.get(key)!);
  await transaction.executeMany(SAVE_ASSETS, rows);
}

const SAVE_ASSETS = upsert(
  'assets',
  { tenant: 'text', '"resource"': 'text' },
  { type: 'text', region: 'text', owner: 'text', compartment: 'text' },
);

/** The `Owner` tag in AWS's list of pairs or in OCI's map; both clouds allow it 256 characters. */
function ownerOf(raw: unknown): string | null {
  const { Tags, freeformTags } = fieldsOf(raw);
  const pair = Array.isArray(Tags) ? Tags.map(fieldsOf).find((tag) => tag.Key === 'Owner') : undefined;
  return firstText(pair?.Value, fieldsOf(freeformTags).Owner)?.slice(0, 256) ?? null;
}

function asElement(problem: Unusable): Element {
  return { position: 'file', size: 0, problem, sample: Buffer.alloc(0) };
}

/** What a dead letter keeps is tried again without its document, but with what that said. */
function inEnvelope({ value, envelope }: { value: unknown; envelope?: Envelope }): unknown {
  const bare = envelope === undefined || envelope.list === '' || envelope.list === 'Records';
  return bare ? value : { ...envelope.fields, [envelope.list]: [value] };
}
