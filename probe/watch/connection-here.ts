/**
 * What is made in an event of a connection (a heartbeat for each WebSocket) may well stay as long as that does. Node
 * tells the connection of HTTP by the async resource that its events are told in; of an upgrade that is its parser, which
 * the connection has left by then.
 */
import { executionAsyncResource, triggerAsyncId } from 'node:async_hooks';
import type net from 'node:net';
import type { Known } from '../account/resource.ts';
import { now } from '../process/runtime.ts';

/** What is undone when a connection has ended may take so long, milliseconds. */
const SETTLES = 1000;
/** Sockets that are connecting, or have just connected. */
const MAX_CONNECTING = 200;

/** Accepted connections of HTTP, by their parsers: each parser serves one at a time. */
const byParser = new WeakMap<object, WeakRef<net.Socket>>();

/** A server has accepted `socket`, and its own listeners were told. */
export function isAccepted({ socket }: { socket: net.Socket & { parser?: object | null } }): void {
  if (socket.parser) byParser.set(socket.parser, new WeakRef(socket));
}

/** For what is made here: whether the connection, in whose event this is called, is still there. Nothing where there is none. */
export function connectionHere(): Pick<Known, 'isHosted'> {
  const here = executionAsyncResource() as { socket?: { destroyed?: boolean } | null };
  const socket = here.socket ?? byParser.get(here)?.deref();
  if (typeof socket?.destroyed !== 'boolean') return {};
  const ref = new WeakRef(socket);
  return { isHosted: () => ref.deref()?.destroyed === false };
}

/** By the id that Node tells their connect in. */
const connecting = new Map<number, WeakRef<net.Socket>>();

/** `socket` is asked to connect: what is made in that event can only be told by this. */
export function isConnecting(socket: net.Socket): void {
  const { _handle } = socket as { _handle?: { getAsyncId?(): number } | null };
  const id = _handle?.getAsyncId?.();
  if (id === undefined) return;
  const [oldest] = connecting.keys();
  if (oldest !== undefined && connecting.size >= MAX_CONNECTING) connecting.delete(oldest);
  connecting.set(id, new WeakRef(socket));
}

/** Node's own, by which a handle knows its socket. */
let ownerSymbol: symbol | undefined;

/**
 * For what a library makes in an event of a connection that is open, of either side: whether that has ended since.
 * Nothing in other events, those of HTTP among them, and in promises.
 */
export function eventOfConnection(): Pick<Known, 'hasLostHost'> {
  const here = executionAsyncResource() as Record<symbol, unknown>;
  ownerSymbol ??= Object.getOwnPropertySymbols(here).find(({ description }) => description === 'owner_symbol');
  const owner = (ownerSymbol && here[ownerSymbol]) ?? connecting.get(triggerAsyncId())?.deref();
  const { destroyed } = (owner ?? {}) as { destroyed?: unknown };
  if (destroyed !== false) return {};
  const ref = new WeakRef(owner as net.Socket);
  let since = 0;
  return {
    hasLostHost: () => {
      if (ref.deref()?.destroyed === false) return false;
      since ||= now();
      return now() - since > SETTLES;
    },
  };
}
