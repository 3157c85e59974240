/**
 * undici 5 to 8: clients, pools and agents that a service makes for itself, while they have connections: one that has none
 * holds nothing, and undici ends those that lie idle, after four seconds by default. What an agent makes of pools, and a
 * pool of clients, is its own. Bodies that nobody reads are seen by the adapter of responses.
 *
 * False negatives: the dispatcher of Node's own `fetch`, of which each thread has one.
 */
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { around } from '../../process/around.ts';
import { beforeInherited } from '../../process/before-inherited.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, Folders, ownerOf } from './clients.ts';

const PART = 'undici' satisfies AdapterName;
/** They make others while they are made. */
const COMPOSED = ['BalancedPool', 'RoundRobinPool', 'ProxyAgent', 'EnvHttpProxyAgent', 'RetryAgent', 'MockAgent'];
const FILES_OF_COMPOSED = /(?:balanced-pool|round-robin-pool|proxy-agent|retry-agent|mock-\w+)\.js$/;

interface Dispatcher {
  readonly closed?: boolean;
  readonly destroyed?: boolean;
}

type Class = new (...args: unknown[]) => Dispatcher;

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const clients = new Clients<Dispatcher>(
    desk,
    {
      adapter: PART,
      nature: 'HTTP client',
      library: PART,
      hasEnded: ({ closed, destroyed }) => !!(closed || destroyed),
    },
    folders,
  );
  const connections = new WeakMap<Dispatcher, number>();
  /** How many dispatches are being called: what is made meanwhile is a part of what dispatches. */
  let dispatching = 0;
  const made = (client: Dispatcher, setter: Method, composed: readonly Class[]): void => {
    if (dispatching > 0) return;
    const request = clients.ask(setter);
    const isPart = request.site?.stack.some(({ file }) => folders.has(file) && FILES_OF_COMPOSED.test(file));
    if (!isPart || composed.some((known) => client instanceof known)) clients.madeBy(client, request);
  };
  const counts = (client: Dispatcher, change: 1 | -1, wrapper: Method): void => {
    const count = (connections.get(client) ?? 0) + change;
    connections.set(client, count);
    if (count > 0) clients.opened(client);
    else clients.closed(client, wrapper);
  };
  return {
    undici(exports, file) {
      folders.add(file);
      const { Dispatcher, Client } = exports;
      const composed = COMPOSED.flatMap((name) => exports[name] ?? []);
      // the first that the constructor of an emitter sets
      onFirstSet<Dispatcher>(PART, Dispatcher.prototype, '_events', (client, _, setter) =>
        made(client, setter, composed),
      );
      beforeInherited<Dispatcher>(PART, Dispatcher.prototype, 'emit', (client, event, wrapper) => {
        if (event === 'connect') counts(client, 1, wrapper);
        else if (event === 'disconnect') counts(client, -1, wrapper);
      });
      const base = ownerOf(Client.prototype, 'dispatch');
      if (!base) return;
      around<Dispatcher>(PART, base, 'dispatch', {
        before: (client) => {
          dispatching++;
          clients.used(client);
        },
        finally: () => {
          dispatching--;
        },
      });
      clients.closedBy(base, ['close', 'destroy']);
    },
  };
}
