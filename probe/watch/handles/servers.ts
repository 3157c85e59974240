/**
 * Servers that listen, of node:net and of all that is made of it (http, https, http2, tls), where they were made; and
 * datagram sockets. A server's connections are its peers'.
 */
import type dgram from 'node:dgram';
import net from 'node:net';
import type { Request } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import { noteServer } from '../../process/streamed-files.ts';
import { listenTo } from '../channels.ts';
import { isAccepted } from '../connection-here.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import { Entered } from './entered.ts';

const PART = 'servers' satisfies AdapterName;

/** Node's own; null while it does not listen. */
type Server = net.Server & { _handle: object | null };

export function watchServers(desk: Desk): void {
  const servers = new Entered<Server>(desk, {
    ...{ adapter: PART, nature: 'server', library: 'net.Server' },
    hasEnded: ({ _handle }) => _handle === null,
  });
  const made = new WeakMap<Server, Request>();
  onFirstSet<Server>(PART, net.Server.prototype, '_usingWorkers', (server, _, setter) => {
    const request = servers.asked(setter);
    // one that is made, and does not listen yet, keeps no flow
    if (isOfUser(request.site)) made.set(server, { ...request, mark: null });
  });
  around<Server>(PART, net.Server.prototype, 'listen', {
    after: (server) => {
      noteServer(server);
      const request = made.get(server);
      if (request !== undefined && !servers.has(server)) servers.enter(request, server);
    },
  });
  servers.endedBy(net.Server.prototype, 'close');
  listenTo(PART, 'net.server.socket', isAccepted);
  watchDatagrams(desk);
}

function watchDatagrams(desk: Desk): void {
  let state: symbol | undefined;
  const sockets = new Entered<dgram.Socket>(desk, {
    ...{ adapter: PART, nature: 'datagram socket', library: 'dgram' },
    hasEnded: (socket) =>
      state !== undefined && (socket as unknown as Record<symbol, { handle?: object | null }>)[state]?.handle === null,
  });
  const told = ({ socket }: { socket: dgram.Socket }): void => {
    state ??= Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
    sockets.learnEnd(socket, 'close');
    const request = sockets.asked(told);
    if (isOfUser(request.site)) sockets.enter(request, socket);
  };
  listenTo(PART, 'udp.socket', told);
}
