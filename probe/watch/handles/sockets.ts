/**
 * Sockets that are connected by code of the service, or for it by a library that keeps none for itself: also of tls, of
 * node:http2 (a session is its socket), of a WebSocket client. Those of an HTTP agent are the agent's (agents.ts), those
 * that a server accepts their peer's.
 *
 * False negatives: what a library connects after an await of its own, when no code of the service is on the stack.
 */
import net from 'node:net';
import type { Request } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { isConnecting } from '../connection-here.ts';
import type { Desk } from '../desk.ts';
import { isOfAgent } from '../of-agent.ts';
import { isOfPool, isOfUser } from './callers.ts';
import { Entered } from './entered.ts';
import { watchWebSockets } from './web-sockets.ts';

const PART = 'sockets' satisfies AdapterName;

export function watchSockets(desk: Desk): void {
  const sockets = new Entered<net.Socket>(desk, {
    ...{ adapter: PART, nature: 'socket', library: 'net' },
    hasEnded: ({ destroyed }) => destroyed,
    pulse: ({ bytesRead, bytesWritten = 0 }) => bytesRead + bytesWritten,
  });
  around<net.Socket, Request | null>(PART, net.Socket.prototype, 'connect', {
    before: (socket, given, _, wrapper) => {
      if (isOfAgent(given) || sockets.has(socket)) return null;
      const request = sockets.asked(wrapper);
      const { site } = request;
      return isOfUser(site) && !isOfPool(site, desk) ? request : null;
    },
    after: (socket, _, request) => {
      isConnecting(socket);
      if (request) sockets.enter(request, socket);
    },
  });
  sockets.endedBy(net.Socket.prototype, '_destroy');
  watchWebSockets(desk);
}
