/** The writing half of ingest: batches that are published together with how far their sources are read then. */
import { curate } from '../records/curate.ts';
import type { Element } from '../records/elements.ts';
import type { Envelope } from '../records/envelope.ts';
import { fieldsOf, firstText } from '../records/fields.ts';
import type { InputFile } from '../records/files.ts';
import { type CloudRecord, DEAD_LETTERS_TOPIC, type DeadLetter, RECORDS_TOPIC, Unusable } from '../records/record.ts';
import type { Connection } from '../store/store.ts';
import { upsert } from '../store/upsert.ts';
import type { Message } from '../streams/stream.ts';
import { saveCompartments } from './compartments.ts';
import type { IngestCounts, IngestOptions } from './ingest.ts';
import { count, MAX_BATCH, together, transact } from './job.ts';
import { letter } from './letters.ts';
import { type Progress, saveProgress } from './progress.ts';

/** How far a source is read; without a file, that of standard input, it is not kept. */
export interface Mark extends Progress {
  source: string;
  file: InputFile | null;
}

interface Batch {
  records: CloudRecord[];
  deadLetters: DeadLetter[];
  elements: number;
  bytes: number;
}

/** A transaction is closed at this many bytes of input, however few elements they are. */
const BATCH_BYTES = 8 * 1024 * 1024;

export class IngestWriter {
  /** Paths of files whose last element is committed. */
  readonly completed = new Set<string>();
  readonly #options: IngestOptions;
  readonly #counts: IngestCounts;
  #batch = nothing();
  /** Of the sources that are in the batch. */
  #marks: Mark[] = [];
  #written = Promise.resolve();

  constructor(options: IngestOptions, counts: IngestCounts) {
    this.#options = options;
    this.#counts = counts;
  }

  get isEmpty(): boolean {
    return this.#batch.elements === 0;
  }

  get isFull(): boolean {
    return this.#batch.elements >= (this.#options.maxBatch ?? MAX_BATCH) || this.#batch.bytes >= BATCH_BYTES;
  }

  /** A further source is read from now on; its mark moves with it. */
  read(mark: Mark): void {
    this.#marks.push(mark);
  }

  add(element: Element, source: string): void {
    const batch = this.#batch;
    batch.elements++;
    batch.bytes += element.size;
    try {
      if ('problem' in element) throw element.problem;
      batch.records.push(...curate(element.value, element.envelope));
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      const about = { reason: error.reason, detail: error.message, source, position: element.position };
      batch.deadLetters.push(
        'problem' in element
          ? letter(about, element.sample.toString())
          : letter(about, JSON.stringify(element.value), inEnvelope(element)),
      );
    }
  }

  /** Begins to write what there is; one transaction at a time, while the next batch is read. */
  async flush(): Promise<void> {
    await this.#written;
    if (this.#options.signal?.aborted) return;
    const marks = this.#marks.map((mark) => ({ ...mark, file: mark.file && { ...mark.file } }));
    for (const mark of this.#marks) mark.revision++; // where this fails nothing more is written
    this.#marks = this.#marks.filter(({ complete }) => !complete);
    this.#written = this.#write(this.#batch, marks);
    this.#written.catch(() => {}); // heard of when the next one, or the end, waits for it
    this.#batch = nothing();
  }

  /** All is written. Throws `StaleProgressError`, as `flush`, when another has read on in a file meanwhile. */
  async end(): Promise<void> {
    if (this.#marks.length > 0) await this.flush();
    await this.#written;
  }

  async #write(batch: Batch, marks: readonly Mark[]): Promise<void> {
    const { patiently, observe } = this.#options;
    const last = marks.at(-1)!;
    const writing = () =>
      transact(this.#options, async (transaction) => {
        await together([
          saveProgress(marks, transaction),
          publish(batch, `${last.source} ${last.elements}`, this.#options, transaction),
        ]);
      });
    await (patiently && last.file === null ? patiently(writing) : writing());
    for (const { complete, source } of marks) if (complete) this.completed.add(source);
    for (const record of batch.records) count(this.#counts.records, record.source);
    for (const letter of batch.deadLetters) count(this.#counts.deadLetters, letter.reason);
    observe?.('next-read');
  }
}

function nothing(): Batch {
  return { records: [], deadLetters: [], elements: 0, bytes: 0 };
}

/** With what the inventory learns of it. `cause` is what it was made of. */
export async function publish(
  batch: Pick<Batch, 'records' | 'deadLetters'>,
  cause: string,
  { stream, wanted }: Pick<IngestOptions, 'stream' | 'wanted'>,
  transaction: Connection,
): Promise<void> {
  const published = wanted ? wanted(batch.records) : batch.records;
  const letters = batch.deadLetters.map((letter) => ({ key: letter.source, value: letter }));
  await together([
    saveAssets(batch.records, transaction),
    saveCompartments(batch.records, transaction),
    // last, as other writers of the partitions wait from here on
    stream.publish(RECORDS_TOPIC, published.map(messageOf), { transaction, cause }),
    stream.publish(DEAD_LETTERS_TOPIC, letters, { transaction, cause }),
  ]);
}

/** Keyed by who did it, so that a large tenant is spread over the partitions, and what one actor did is in order. */
export function messageOf(record: CloudRecord): Message {
  return { key: record.actor ?? record.resource ?? record.tenant, value: record };
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

/** What a dead letter keeps is tried again without its document, but with what that said. */
function inEnvelope({ value, envelope }: { value: unknown; envelope?: Envelope }): unknown {
  const bare = envelope === undefined || envelope.list === '' || envelope.list === 'Records';
  return bare ? value : { ...envelope.fields, [envelope.list]: [value] };
}
