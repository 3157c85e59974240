/** Delivers results to the sinks. Each region reads on its own: one that is down holds up no other and loses nothing. */

import { Unusable } from '../records/record.ts';
import type { Sink } from '../sinks/sink.ts';
import { StaleBatchError } from '../streams/stream.ts';
import { type JobOptions, MAX_BATCH, together, transact } from './job.ts';
import { RESULTS_TOPIC, type Result, resultFrom } from './result.ts';

export interface DeliverOptions extends JobOptions {
  sinks: readonly Sink[];
}

export interface Delivery {
  delivered: number;
  /** Why the region's delivery ended early; what is left is delivered by a later run. */
  problem: string | null;
}

/** By reporting region. */
export type DeliverCounts = Record<string, Delivery>;

/** The sink failed, not our own database. */
class SinkError extends Error {}

export async function runDeliver(options: DeliverOptions): Promise<DeliverCounts> {
  const counts: DeliverCounts = {};
  await together(
    options.sinks.map(async (sink) => {
      counts[sink.region] = await deliverRegion(sink, options);
    }),
  );
  return counts;
}

/** At-least-once into the sink, whose upsert makes it once: first the sink has the results, then the offset moves. */
async function deliverRegion(sink: Sink, options: DeliverOptions): Promise<Delivery> {
  const group = `deliver-${sink.region}`;
  let delivered = 0;
  try {
    for await (const batch of options.stream.drain(RESULTS_TOPIC, group, { maxBatch: options.maxBatch ?? MAX_BATCH })) {
      const results = batch.entries
        .map((entry) => usableResult(entry.value))
        .filter((result) => result?.reportingRegion === sink.region) as Result[];
      await sink.deliver(results).catch((error: Error) => {
        throw new SinkError(error.message, { cause: error });
      });
      try {
        await transact(options, (transaction) => batch.commit(transaction));
      } catch (error) {
        if (error instanceof StaleBatchError) continue; // another consumer of the group had it
        throw error;
      }
      delivered += results.length;
      options.observe?.('next-read');
      if (options.signal?.aborted) break;
    }
    return { delivered, problem: null };
  } catch (error) {
    if (error instanceof SinkError) return { delivered, problem: error.message };
    throw error;
  }
}

/** Null for what is none: correlation, which reads all results once, makes the dead letter. */
function usableResult(value: unknown): Result | null {
  try {
    return resultFrom(value);
  } catch (error) {
    if (error instanceof Unusable) return null;
    throw error;
  }
}
