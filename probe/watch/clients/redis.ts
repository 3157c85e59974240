/**
 * node-redis 2.8 to 6: clients, their duplicates, clusters, sentinels and pools, each open from `connect` on; before
 * version 4, which connects by itself, from its constructor to `quit` or `end`. What a pool
 * lends for `execute` is a lease of who called; it comes back when the promise of the task is settled. Clients that a
 * pool or a cluster makes for itself are its own: they do not come by the functions that are watched.
 *
 * Its tracing channels name servers and ids, not clients, and no pool tells when a client comes back.
 */
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders, ownerOf } from './clients.ts';
import { RedisPools } from './redis-pool.ts';
import { RedisSubscriptions } from './redis-subscriptions.ts';

const PART = 'redis' satisfies AdapterName;
const MAKERS = ['createClient', 'createCluster', 'createSentinel', 'createClientPool'];
const ENDS = ['close', 'destroy', 'quit', 'QUIT', 'disconnect'];

/** What a service gets inherits from the client itself, which is `_self`. */
interface Client {
  _self?: Client;
  isOpen?: boolean;
  options?: {
    url?: string;
    socket?: { host?: string; port?: number; path?: string };
    database?: number;
    username?: string;
  };
  /** Before version 4. */
  closing?: boolean;
  address?: string;
}

const itself = (self: object): Client => (self as Client)._self ?? (self as Client);

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const clients = new Clients<Client>(
    desk,
    {
      adapter: PART,
      nature: 'client',
      library: PART,
      hasEnded: ({ isOpen, closing }) => isOpen === false || closing === true,
      leadsTo,
    },
    folders,
  );
  const pools = new RedisPools(desk);
  const subscriptions = new RedisSubscriptions(desk, itself, (client) => clients.resourceOf(client));
  const learned = new WeakSet<object>();
  /** Classes are made to measure: what they inherit from is what has the methods. */
  const learn = (client: object): void => {
    const owner = ownerOf(client, 'connect');
    if (owner === null || learned.has(owner)) return;
    learned.add(owner);
    clients.openedBy(owner, 'connect', itself);
    clients.closedBy(client, ENDS, itself);
    clients.usedBy(owner, 'sendCommand', itself);
    subscriptions.watch(owner);
    around<object>(PART, owner, 'duplicate', {
      after: (_, copy: Client, __, wrapper) => clients.made(itself(copy), wrapper),
    });
    if (typeof (client as { execute?: Method }).execute === 'function') pools.watch(owner);
  };
  const made = (client: object, wrapper: Method): void => {
    learn(client);
    clients.made(itself(client), wrapper);
  };
  const watch: Attachments[string] = (exports, file) => {
    folders.add(file);
    // version 4 has neither
    for (const known of [exports.RedisClient, exports.RedisClientPool]) if (known) learn(known.prototype);
    for (const maker of MAKERS) {
      around<object>(PART, exports, maker, { after: (_, client: object, __, wrapper) => made(client, wrapper) });
    }
  };
  return {
    '@redis/client': watch,
    // its name in 4.0
    '@node-redis/client': watch,
    redis(exports, file) {
      folders.add(file);
      // from version 4 on it makes its clients by the one above
      const { prototype } = exports.RedisClient ?? {};
      if (!prototype?.create_stream) return;
      onFirstSet<Client>(PART, prototype, '_events', (client, _, setter) => clients.made(client, setter));
      clients.openedBy(prototype, 'create_stream', itself);
      clients.closedBy(prototype, ['end', 'quit', 'QUIT']);
      clients.usedBy(prototype, 'internal_send_command', itself);
    },
  };
}

function leadsTo({ options, address }: Client): string {
  const { url, socket, database, username } = options ?? {};
  return JSON.stringify([address, url, socket?.host, socket?.port, socket?.path, database, username]);
}
