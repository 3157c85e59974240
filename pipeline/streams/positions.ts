/**
 * How far each group of readers is, in the jobs' database: so a position moves in the transaction that holds the
 * results of a batch, whatever stream the batch comes from.
 */
import type { Connection, Session, Statement } from '../store/store.ts';
import type { Batch, Entry } from './stream.ts';
import { StaleBatchError } from './stream.ts';

/** Of a topic, a group and a partition. Offsets are the stream's own; they rise, with gaps or without. */
export interface Place {
  /** What the stream calls the topic in `stream_positions`. */
  log: string;
  group: string;
  partition: number;
}

/** The group takes its place at the start of partitions that are new to it. */
export async function enter(log: string, group: string, partitions: readonly number[], session: Session) {
  if (partitions.length === 0) return;
  await session.executeMany(
    ENTER,
    partitions.map((partition) => [log, group, partition]),
  );
}

export async function positionOf({ log, group, partition }: Place, session: Session): Promise<number> {
  const [row] = await session.query<{ next_offset: string | number }>(POSITION, [log, group, partition]);
  return Number(row?.next_offset ?? 0);
}

/** Of each group that has read the topic, its name. */
export async function groupsOf(log: string, session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(GROUPS, [log]);
  return rows.map(({ name }) => name);
}

/** By partition, where the slowest group is. Partitions that no group reads are not in it. */
export async function slowest(log: string, session: Session): Promise<Map<number, number>> {
  const rows = await session.query<{ partition: number; slowest: string | number }>(SLOWEST, [log]);
  return new Map(rows.map(({ partition, slowest }) => [partition, Number(slowest)]));
}

/** A batch whose position is a row: what was read between the offsets `from` and `next`. */
export class PositionedBatch implements Batch {
  readonly topic: string;
  readonly partition: number;
  readonly entries: readonly Entry[];
  /** The offset after the last entry. */
  readonly next: number;
  /** Its position has been moved, in a transaction that may still be rolled back. */
  isMoved = false;
  readonly #place: Place;
  readonly #from: number;
  /** Called once, when nobody needs the entries any more. */
  readonly done: () => void;

  constructor(
    topic: string,
    place: Place,
    from: number,
    next: number,
    entries: readonly Entry[],
    done: () => void = () => {},
  ) {
    this.topic = topic;
    this.partition = place.partition;
    this.entries = entries;
    this.next = next;
    this.#place = place;
    this.#from = from;
    this.done = done;
  }

  async commit(transaction: Connection): Promise<void> {
    const { log, group, partition } = this.#place;
    const moved = await transaction.execute(MOVE, [log, group, partition, this.#from, this.next]);
    if (moved === 0) throw new StaleBatchError(this, group);
    this.isMoved = true;
  }
}

const ENTER: Statement = {
  postgres: `
    insert into stream_positions (topic, consumer_group, "partition", next_offset)
    select *, 0 from unnest($1::text[], $2::text[], $3::integer[]) on conflict do nothing`,
  oracle: `
    insert /*+ ignore_row_on_dupkey_index(stream_positions (topic, consumer_group, "partition")) */
    into stream_positions (topic, consumer_group, "partition", next_offset) values ($1, $2, $3, 0)`,
};

const POSITION =
  'select next_offset from stream_positions where topic = $1 and consumer_group = $2 and "partition" = $3';

const GROUPS = 'select distinct consumer_group as name from stream_positions where topic = $1';

const SLOWEST = `
  select "partition", min(next_offset) as slowest from stream_positions where topic = $1 group by "partition"`;

const MOVE = `
  update stream_positions set next_offset = $5
  where topic = $1 and consumer_group = $2 and "partition" = $3 and next_offset = $4`;
