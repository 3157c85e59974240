/**
 * Where a socket leads. Not by Node's own getters, which note what they tell on the socket: it would tell that after its
 * end too, and be of another shape than those that nobody has asked, for which V8 compiles worse.
 */
import type { Socket } from 'node:net';

export interface Addresses {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

interface Address {
  address?: string;
  port?: number;
}

/** Node's own; a pipe has no addresses. */
interface Handle {
  getsockname?(out: Address): number;
  getpeername?(out: Address): number;
}

/** Null where it leads nowhere yet, or no more, or to a path. */
export function addressesOf(socket: Socket): Addresses | null {
  const { _handle: handle, connecting } = socket as Socket & { _handle?: Handle | null };
  if (connecting || !handle?.getsockname || !handle.getpeername) return null;
  const [local, remote]: [Address, Address] = [{}, {}];
  if (handle.getsockname(local) !== 0 || handle.getpeername(remote) !== 0) return null;
  const { address: localAddress = '', port: localPort } = local;
  const { address: remoteAddress = '', port: remotePort } = remote;
  return localPort === undefined || remotePort === undefined
    ? null
    : { localAddress, localPort, remoteAddress, remotePort };
}
