/**
 * Where a socket leads. Not by Node's own getters, which note what they tell on the socket: it would tell that after its
 * end too, and be of another shape than those that nobody has asked, for which V8 compiles worse.
 */
import type { Socket } from 'node:net';

export interface Address {
  readonly address: string;
  readonly port: number;
}

type Fill = (out: { address?: string; port?: number }) => number;

/** Node's own; a pipe has no addresses. */
interface Handle {
  getsockname?: Fill;
  getpeername?: Fill;
}

/** Its own end; null before it is connected, once it is closed, and where it leads to a path. */
export function localOf(socket: Socket): Address | null {
  return asked(socket, 'getsockname');
}

/** The other end; null also once that has gone. */
export function remoteOf(socket: Socket): Address | null {
  return asked(socket, 'getpeername');
}

function asked(socket: Socket, end: keyof Handle): Address | null {
  const { _handle: handle, connecting } = socket as Socket & { _handle?: Handle | null };
  const out: { address?: string; port?: number } = {};
  if (connecting || handle?.[end]?.(out) !== 0) return null;
  const { address = '', port } = out;
  return port === undefined ? null : { address, port };
}
