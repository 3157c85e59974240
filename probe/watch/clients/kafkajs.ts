/**
 * kafkajs 1 and 2: producers, consumers and admins, open from `connect` to `disconnect`. Each is an object of its own
 * whose methods are closures: once neither it nor one of its methods is held, nobody can disconnect it any more, and
 * that is proven.
 */
import type { AdapterName } from '../../adapters.ts';
import { around, aroundOwn, type Method } from '../../process/around.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'kafkajs' satisfies AdapterName;
const MAKERS = ['producer', 'consumer', 'admin'];
const USES = ['send', 'sendBatch', 'run', 'subscribe'];
/** Methods that others call, so that the connection of an admin refers to them, too. */
const INNER = ['fetchTopicOffsets', 'setOffsets'];

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  /** Of each client its kind, and its group. */
  const targets = new WeakMap<object, string>();
  const clients = new Clients<object>(
    desk,
    {
      ...{ adapter: PART, nature: 'client', library: PART, hasEnded: () => false, isLostWithObject: true },
      leadsTo: (client) => targets.get(client) ?? null,
    },
    folders,
  );
  /** Who holds a method of a client can end it, and so holds the client. */
  const holders = new WeakMap<object, object>();
  const made = (client: Record<string, Method>, wrapper: Method): void => {
    const { flows } = desk;
    const weak = new WeakRef<object>(client);
    const tell = (what: (alive: object) => void): void => {
      const alive = weak.deref();
      if (alive) what(alive);
    };
    clients.made(client, wrapper);
    aroundOwn(PART, client, 'connect', {
      within: flows.unmarked(),
      finally: () => tell((alive) => clients.opened(alive)),
    });
    aroundOwn(PART, client, 'disconnect', {
      before: (_, __, ___, ender) => tell((alive) => clients.closed(alive, ender)),
    });
    for (const use of USES) aroundOwn(PART, client, use, { before: () => tell((alive) => clients.used(alive)) });
    for (const [name, method] of Object.entries(client)) {
      if (typeof method === 'function' && !INNER.includes(name)) holders.set(method, client);
    }
  };
  return {
    kafkajs({ Kafka }, file) {
      folders.add(file);
      for (const maker of MAKERS) {
        around<object, string>(PART, Kafka.prototype, maker, {
          before: (_, options) => `${maker} ${(options as { groupId?: string } | undefined)?.groupId}`,
          after: (_, client: Record<string, Method>, target, wrapper) => {
            targets.set(client, target ?? maker);
            made(client, wrapper);
          },
        });
      }
    },
  };
}
