/**
 * ioredis 3.2 to 6: a client is open from its first connect to its quit or disconnect, or until it gives up. That covers
 * duplicates, subscribers, and what waits for a blocking command. The nodes of a cluster are its own; the cluster is one
 * client. Its tracing channel `ioredis:connect` names a server, not a client, so constructors are watched.
 */
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { peerOf } from '../pools/peer.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'ioredis' satisfies AdapterName;
/** Nodes of a cluster, and clients that ask sentinels. */
const PARTS = /[\\/](?:cluster[\\/](?!index\.)|connectors[\\/])/;
const ENDS = ['disconnect', 'quit', 'end'];

/** Until it has connected for the first time, or again. */
const CONNECTING = ['connecting', 'connect'];
/** Commands for which the server waits for others. */
const BLOCKING = /^(?:b[lrz]|xread|wait)/i;

interface Client {
  status?: string;
  options?: { host?: string; port?: number; path?: string; db?: number; username?: string; keyPrefix?: string };
  startupNodes?: unknown;
  condition?: { subscriber?: { set?: unknown } | false } | null;
  /** Commands that are not answered yet, oldest first. */
  commandQueue?: { length: number; peekFront?(): { command: { name: string } } | undefined };
  /** … and that are not sent yet. */
  offlineQueue?: { length: number };
}

const itself = (self: object): Client => self as Client;

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const clients = new Clients<Client>(
    desk,
    {
      ...{ adapter: PART, nature: 'client', library: PART, hasEnded: ({ status }) => status === 'end', partsIn: PARTS },
      peerOf: (client) => peerOf(client, 'used'),
      isBusy: isAnswering,
      leadsTo,
      pendingOf: ({ commandQueue, offlineQueue }) => (commandQueue?.length ?? 0) + (offlineQueue?.length ?? 0),
    },
    folders,
  );
  return {
    ioredis(exports, file) {
      folders.add(file);
      const { prototype } = exports.default ?? exports;
      const { Cluster } = exports;
      around<Client>(PART, prototype, 'parseOptions', {
        before: (client, _, __, wrapper) => clients.made(client, wrapper),
      });
      // the constructor's first
      if (Cluster)
        onFirstSet<Client>(PART, Cluster.prototype, 'slots', (cluster, _, setter) => clients.made(cluster, setter));
      for (const owner of [prototype, Cluster?.prototype]) {
        if (!owner) continue;
        clients.openedBy(owner, 'connect', itself);
        clients.closedBy(owner, ENDS);
        clients.usedBy(owner, 'sendCommand', itself);
      }
    },
  };
}

/** A server, and what a subscriber has subscribed to there. */
function leadsTo({ options, startupNodes, condition }: Client): string {
  const { host, port, path, db, username, keyPrefix } = options ?? {};
  const heard = condition?.subscriber ? condition.subscriber.set : null;
  return JSON.stringify([startupNodes, host, port, path, db, username, keyPrefix, heard]);
}

/** Its server is about to answer. */
function isAnswering({ status = '', commandQueue }: Client): boolean {
  const oldest = commandQueue?.peekFront?.()?.command.name;
  return CONNECTING.includes(status) || (oldest !== undefined && !BLOCKING.test(oldest));
}
