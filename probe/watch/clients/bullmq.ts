/**
 * BullMQ from 1.18 to 6: workers, queues, queue events and flow producers, each open from its constructor to `close` or
 * `disconnect`. The ioredis connections that one makes for itself are owned by it; a connection that the
 * service hands in stays the service's.
 */
import type { AdapterName } from '../../adapters.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'bullmq' satisfies AdapterName;

const CLASSES = ['Queue', 'Worker', 'QueueEvents', 'QueueEventsProducer', 'FlowProducer'];

interface Queue {
  closing?: unknown;
  closed?: unknown;
}

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const queues = new Clients<Queue>(
    desk,
    {
      ...{ adapter: PART, nature: 'queue', library: PART },
      hasEnded: ({ closing, closed }) => closing !== undefined || closed === true,
    },
    folders,
  );
  return {
    bullmq(exports, file) {
      folders.add(file);
      const { QueueBase, FlowProducer } = exports;
      for (const name of CLASSES) if (exports[name]) queues.closedBy(exports[name].prototype, ['close', 'disconnect']);
      // set by the constructor before it connects
      for (const [{ prototype }, key] of [
        [QueueBase, 'name'],
        [FlowProducer, 'opts'],
      ] as const) {
        onFirstSet<Queue>(PART, prototype, key, (queue, _, setter) => {
          queues.made(queue, setter);
          queues.opened(queue);
          queues.isMaking(queue);
        });
      }
    },
  };
}
