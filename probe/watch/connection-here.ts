/**
 * What is made in an event of a connection (a heartbeat for each WebSocket) may well stay as long as that does. Node
 * tells the connection of HTTP, upgrades included, by the async resource that its events are told in.
 */
import { executionAsyncResource } from 'node:async_hooks';
import type { Known } from '../account/resource.ts';

/** For what is made here: whether the connection, in whose event this is called, is still there. Nothing where there is none. */
export function connectionHere(): Pick<Known, 'isHosted'> {
  const { socket } = executionAsyncResource() as { socket?: { destroyed?: boolean } };
  if (typeof socket?.destroyed !== 'boolean') return {};
  const ref = new WeakRef(socket);
  return { isHosted: () => ref.deref()?.destroyed === false };
}
