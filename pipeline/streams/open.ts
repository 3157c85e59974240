/** The stream that is named, or the log table of the jobs' database. */
import type { ConnectionPool } from '../store/store.ts';
import { LogTableStream } from './log-table.ts';
import type { Stream } from './stream.ts';

export interface StreamSettings {
  /** `nats://…`, see `natsAddress`; undefined is the log table. */
  url?: string | undefined;
  pool: ConnectionPool;
  partitions: number;
}

/** Throws `UserError` when it cannot be used. */
export async function openStream({ url, pool, partitions }: StreamSettings) {
  if (url === undefined) return { stream: new LogTableStream({ pool, partitions }) as Stream, close: async () => {} };
  // only who uses NATS needs its packages
  const [{ JetStream }, { Nats }] = await Promise.all([import('./jetstream.ts'), import('./nats.ts')]);
  const nats = await Nats.open(url);
  return { stream: new JetStream({ nats, pool, partitions }) as Stream, close: () => nats.close() };
}
