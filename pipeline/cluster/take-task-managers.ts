/** Task managers of elsewhere: the request of one becomes a socket, which is its place in the cluster. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { mustBeAllowed } from './allowed.ts';
import type { Cluster } from './cluster.ts';
import { Refused } from './refused.ts';
import { HEADER, PLACE, PROTOCOL, type Registration, registrationOf } from './registration.ts';

export function takeTaskManagers(server: Server, cluster: Cluster, token: string | null): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    let registration: Registration;
    try {
      registration = registrationIn(request, token);
    } catch (error) {
      refuse(socket, error as Refused);
      return;
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${PROTOCOL}\r\n\r\n`);
    if (head.length > 0) socket.unshift(head);
    cluster.register(socket, registration);
  });
}

/** Throws `Refused`. */
function registrationIn({ headers, url }: IncomingMessage, token: string | null): Registration {
  mustBeAllowed(headers, token);
  if (url !== PLACE) throw new Refused(404, 'not-found', `Task managers register at ${PLACE}.`);
  if (headers.upgrade !== PROTOCOL)
    throw new Refused(400, 'bad-request', `The task manager is of another version: here they speak ${PROTOCOL}.`);
  const registration = registrationOf(headers[HEADER]);
  if (registration === null) throw new Refused(400, 'bad-request', `The task manager's "${HEADER}" is malformed.`);
  return registration;
}

/** Where there is no request that could be answered. */
export function refuse(socket: Duplex, { status, code, message }: Refused): void {
  if (!socket.writable) return;
  const body = JSON.stringify({ error: code, message });
  const headers = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n\r\n${body}`);
}
