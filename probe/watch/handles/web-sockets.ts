/**
 * Clients of WebSockets by Node's own class. To read that global loads it, so it is known by the first listener that one
 * of them is given; of those that come later the line that makes them is known.
 *
 * False negatives: the first one's line is that of its first listener; what a library connects for itself.
 */
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onMade } from '../../process/on-made.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'sockets' satisfies AdapterName;
const NAME = 'WebSocket';

/** Node.js 20 has none, nor do its types. */
interface WebSocket extends EventTarget {
  readonly readyState: number;
  readonly url: string;
}
const CLOSING = 2;

export function watchWebSockets(desk: Desk): void {
  const sockets = new Entered<WebSocket>(desk, {
    ...{ adapter: PART, nature: 'web socket', library: NAME },
    hasEnded: ({ readyState }) => readyState >= CLOSING,
    leadsTo: ({ url }) => url,
  });
  let isKnown = false;
  around<EventTarget>(PART, EventTarget.prototype, 'addEventListener', {
    before: (target, _, __, wrapper) => {
      if (isKnown || target?.constructor?.name !== NAME) return;
      const global = globalThis as unknown as Record<string, { prototype: WebSocket } | undefined>;
      const kind = global[NAME];
      if (kind === undefined || target.constructor !== (kind as unknown)) return;
      isKnown = true;
      around<WebSocket>(PART, kind.prototype, 'send', { before: (socket) => sockets.used(socket) });
      sockets.endedBy(kind.prototype, 'close');
      // a listener of the probe's own would count among the service's
      around<EventTarget>(PART, EventTarget.prototype, 'dispatchEvent', {
        before: (socket, event) => {
          if ((event as Event | undefined)?.type === 'message') sockets.used(socket as WebSocket);
        },
      });
      onMade<WebSocket>(PART, globalThis, NAME, (socket, maker) => sockets.openedByUser(socket, maker));
      sockets.opened(target as WebSocket, wrapper);
    },
  });
}
