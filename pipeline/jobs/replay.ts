/** Dead letters tried again: what can be used by now is published, and the rest stays a dead letter. */
import { curate } from '../records/curate.ts';
import { listIn } from '../records/envelope.ts';
import { contentId } from '../records/fields.ts';
import { type CloudRecord, DEAD_LETTERS_TOPIC, type DeadLetter, RECORDS_TOPIC, Unusable } from '../records/record.ts';
import { recordOf } from '../records/versions.ts';
import { insertNew } from '../store/upsert.ts';
import { StaleBatchError } from '../streams/stream.ts';
import type { IngestCounts } from './ingest.ts';
import { publish } from './ingest-writer.ts';
import { count, type JobOptions, MAX_BATCH, transact } from './job.ts';
import { entityOf, RESULTS_TOPIC, type Result, resultFrom } from './result.ts';

const GROUP = 'replay';

export interface ReplayCounts extends IngestCounts {
  /** Letters that became records or results. */
  replayed: number;
}

/**
 * Reads all dead letters from the first on; those that a run before has replayed are passed over, so that each is
 * published once. `deadLetters` counts, by reason, those that are refused again or do not hold what was refused: of
 * these the file is to be read again.
 */
export async function runReplay(options: JobOptions): Promise<ReplayCounts> {
  const counts: ReplayCounts = { files: 0, filesBefore: 0, records: {}, deadLetters: {}, replayed: 0 };
  const done = await replayedBefore(options);
  await toStart(options);
  const { stream, signal, observe, maxBatch = MAX_BATCH } = options;
  for await (const batch of stream.drain(DEAD_LETTERS_TOPIC, GROUP, { maxBatch })) {
    const tried = batch.entries.map((entry) => again(entry.value as DeadLetter, done));
    const records = tried.flatMap((each) => each.records);
    const results = tried.flatMap((each) => each.results);
    const ids = tried.flatMap(({ id }) => (id === null ? [] : [[id]]));
    const cause = `replay ${batch.partition} ${batch.entries[0]!.offset} ${ids.join(' ')}`;
    try {
      await transact(options, async (transaction) => {
        await publish({ records, deadLetters: [] }, cause, { stream }, transaction);
        const messages = results.map((value) => ({ key: `${value.tenant} ${entityOf(value)}`, value }));
        await stream.publish(RESULTS_TOPIC, messages, { transaction, cause });
        await transaction.executeMany(SAVE, ids.sort());
        await batch.commit(transaction);
      });
    } catch (error) {
      if (error instanceof StaleBatchError) continue; // another replay had it
      throw error;
    }
    counts.replayed += ids.length;
    for (const record of records) count(counts.records, record.source);
    for (const { refused } of tried) if (refused) count(counts.deadLetters, refused);
    observe?.('next-read');
    if (signal?.aborted) break;
  }
  await toStart(options);
  return counts;
}

interface Tried {
  records: CloudRecord[];
  results: Result[];
  /** Of a letter that is replayed now. */
  id: string | null;
  refused: DeadLetter['reason'] | null;
}

const NOTHING: Tried = { records: [], results: [], id: null, refused: null };

/** Letters are known by what they say, wherever in the topic they are. */
function again(letter: DeadLetter, done: Set<string>): Tried {
  const { source, position, reason, value } = letter;
  if (value === undefined) return { ...NOTHING, refused: reason };
  const id = contentId('letter', source, position, JSON.stringify(value));
  if (done.has(id)) return NOTHING;
  try {
    if (source === RESULTS_TOPIC) return { ...NOTHING, results: [resultFrom(value)], id: taken(id, done) };
    const records = source === RECORDS_TOPIC ? [recordOf(value)] : curated(value);
    return { ...NOTHING, records, id: taken(id, done) };
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return { ...NOTHING, refused: error.reason };
  }
}

function taken(id: string, done: Set<string>): string {
  done.add(id);
  return id;
}

function curated(value: unknown): CloudRecord[] {
  const list = listIn(value);
  return list ? list.elements.flatMap((element) => curate(element, list)) : curate(value);
}

async function replayedBefore({ pool }: JobOptions): Promise<Set<string>> {
  const connection = await pool.acquire();
  try {
    const rows = await connection.query<{ id: string }>('select id from replayed_letters');
    return new Set(rows.map(({ id }) => id));
  } finally {
    connection.release();
  }
}

/** The group has no place of its own between runs: it would hold up the trimming of the topic. */
function toStart(options: JobOptions): Promise<void> {
  return transact({ pool: options.pool }, async (transaction) => {
    await transaction.execute(LEAVE, [DEAD_LETTERS_TOPIC, GROUP]);
  });
}

const LEAVE = 'delete from stream_positions where topic = $1 and consumer_group = $2';
const SAVE = insertNew('replayed_letters', { id: 'text' }, {});
