/**
 * Clients of WebSockets by Node's own class, which is left as it is: to read that global loads it. Node tells of the
 * request that each begins with, in its very constructor, and so of the line; the object itself is met when it is given
 * a listener, or has something to tell.
 *
 * False negatives: what a library connects for itself; one without any listener that never opens.
 */
import type { Request } from '../../account/ledger.ts';
import type { Known } from '../../account/resource.ts';
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { listenTo } from '../channels.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'sockets' satisfies AdapterName;
const NAME = 'WebSocket';
/** Made, and not met: those that were never heard of again are forgotten. */
const MOST_MADE = 100;
const CLOSING = 2;

/** Node.js 20 has none, nor do its types. */
interface WebSocket extends EventTarget {
  readonly readyState: number;
  readonly url: string;
}

type Kind = Method & { prototype: WebSocket };

/** The request that one begins with. */
interface Handshake {
  upgrade?: string | null;
  origin: string;
  path: string;
}

interface Made {
  address: string;
  /** Null: a library's own. */
  request: Request | null;
  known: Known;
}

export function watchWebSockets(desk: Desk): void {
  const sockets = new Entered<WebSocket>(desk, {
    ...{ adapter: PART, nature: 'web socket', library: NAME },
    hasEnded: ({ readyState }) => readyState >= CLOSING,
    leadsTo: ({ url }) => url,
  });
  const made: Made[] = [];
  const met = new WeakSet<WebSocket>();
  let kind: Kind | null = null;

  listenTo(PART, 'undici:request:create', ({ request }: { request: Handshake }) => {
    if (request.upgrade !== 'websocket') return;
    kind ??= learn();
    if (kind === null) return;
    // that of the package undici is no constructor of this one's
    const asked = sockets.asked(kind);
    if (!asked.site || asked.site.stack.length === 0) return;
    made.push({
      address: `${request.origin}${request.path}`,
      request: desk.isOfLibrary(asked.site) ? null : asked,
      known: desk.surroundings(),
    });
    if (made.length > MOST_MADE) made.shift();
  });
  around<EventTarget>(PART, EventTarget.prototype, 'addEventListener', {
    before: (target, _, __, wrapper) => {
      if (kind === null && target?.constructor?.name === NAME) kind = learn();
      if (isOne(target)) meet(target, wrapper);
    },
  });

  /** Loaded by now. Null where the service has put something else in its place. */
  function learn(): Kind | null {
    const own = (globalThis as unknown as Record<string, Kind | undefined>)[NAME];
    if (!(own?.prototype instanceof EventTarget)) return null;
    around<WebSocket>(PART, own.prototype, 'send', { before: (socket) => sockets.used(socket) });
    sockets.endedBy(own.prototype, 'close');
    // a listener of the probe's own would count among the service's
    around<EventTarget>(PART, EventTarget.prototype, 'dispatchEvent', {
      before: (target, event) => {
        if (!isOne(target)) return;
        meet(target, null);
        if ((event as Event | undefined)?.type === 'message') sockets.used(target);
      },
    });
    return own;
  }

  function isOne(target: EventTarget): target is WebSocket {
    return kind !== null && target instanceof kind;
  }

  /** `adding`: what gives it its first listener, right after it was made; null: it is another flow's by now. */
  function meet(socket: WebSocket, adding: Method | null): void {
    if (met.has(socket)) return;
    met.add(socket);
    const { origin, pathname, search } = new URL(socket.url.replace(/^ws/, 'http'));
    const latest = made.findLastIndex(({ address }) => address === `${origin}${pathname}${search}`);
    const [own] = latest < 0 ? [] : made.splice(latest, 1);
    if (own === undefined && adding !== null) sockets.opened(socket, adding);
    else if (own?.request) sockets.enter(adding ? own.request : { ...own.request, mark: null }, socket, own.known);
  }
}
