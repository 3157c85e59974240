/**
 * BullMQ from 1.18 to 6, and Bull 3 and 4: workers, queues, queue events and flow producers, each open from its
 * constructor to `close` or `disconnect`. The ioredis connections that one makes for itself are owned by it; a connection
 * that the service hands in stays the service's.
 */
import type { AdapterName } from '../../adapters.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'bullmq' satisfies AdapterName;
const ENDS = ['close', 'disconnect'];
const CLASSES = ['Queue', 'Worker', 'QueueEvents', 'QueueEventsProducer', 'FlowProducer'];

/** Of Bull: what sets its timers, also when its connections tell of something. */
const GOES_ON_BY = ['updateDelayTimer', 'run', 'processJob'];
/** Of BullMQ's workers, by one name or the other: what sets their timer anew. */
const CHECKS = ['runStalledJobsCheck', 'startStalledCheckTimer'];

interface Queue {
  name?: string;
  opts?: { prefix?: string };
  keyPrefix?: string;
  closing?: unknown;
  closed?: unknown;
}

export function attachments(desk: Desk): Attachments {
  return { bullmq: watchBullMq(desk), bull: watchBull(desk) };
}

/** `isOver`: where that comes later than it has ended, of its last jobs. */
function queuesOf(desk: Desk, library: string, folders: Folders, isOver?: (queue: Queue) => boolean): Clients<Queue> {
  const hasEnded = ({ closing, closed }: Queue): boolean => closing !== undefined || closed === true;
  const facts = { adapter: PART, nature: 'queue', library, hasEnded, isOver, leadsTo } as const;
  return new Clients<Queue>(desk, facts, folders);
}

/** A queue and what is done with it. */
function leadsTo(queue: Queue): string {
  const { name, opts, keyPrefix } = queue;
  return [queue.constructor.name, name, opts?.prefix, keyPrefix].join(' ');
}

/** Of what has `key` set by its constructor, before it connects. */
function watchMaking(queues: Clients<Queue>, prototype: object, key: string): void {
  onFirstSet<Queue>(PART, prototype, key, (queue, _, setter) => {
    queues.made(queue, setter);
    queues.opened(queue);
    queues.isMaking(queue);
  });
}

function watchBullMq(desk: Desk): Attachments[string] {
  const folders = new Folders();
  const queues = queuesOf(desk, 'bullmq', folders);
  return (exports, file) => {
    folders.add(file);
    for (const name of CLASSES) if (exports[name]) queues.closedBy(exports[name].prototype, ENDS);
    const { prototype } = exports.Worker;
    for (const method of CHECKS) if (Object.hasOwn(prototype, method)) queues.goesOnBy(prototype, method);
    watchMaking(queues, exports.QueueBase.prototype, 'name');
    watchMaking(queues, exports.FlowProducer.prototype, 'opts');
  };
}

/** It connects for each purpose when that comes up, which is when its maker is not on the stack any more. */
function watchBull(desk: Desk): Attachments[string] {
  const folders = new Folders();
  const queues = queuesOf(desk, 'bull', folders, ({ closed }) => closed === true);
  return ({ prototype }, file) => {
    folders.add(file);
    queues.closedBy(prototype, ENDS);
    for (const method of GOES_ON_BY) queues.goesOnBy(prototype, method);
    watchMaking(queues, prototype, 'name');
  };
}
