/**
 * Message channels and broadcast channels. A channel is one resource: it is over once one of its ends is closed, and
 * garbage when neither was ever started and nothing refers to them. An end that is sent to another thread is that
 * thread's; the other end then stands for the channel.
 */
import workers from 'node:worker_threads';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onMade } from '../../process/on-made.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'ports' satisfies AdapterName;

/** Not in the types of Node.js 20, though it has it. */
type Port = workers.MessagePort & { hasRef(): boolean | undefined };

export function watchPorts(desk: Desk): void {
  // entered by one end; the other one leads there
  const peers = new WeakMap<Port, WeakRef<Port>>();
  const { hasRef } = workers.MessagePort.prototype as Port;
  const isClosed = (port: Port | undefined): boolean => port === undefined || hasRef.call(port) === undefined;
  const channels = new Entered<Port>(desk, {
    ...{ adapter: PART, nature: 'port', library: 'MessageChannel' },
    hasEnded: (port) => isClosed(port) && isClosed(peers.get(port)?.deref()),
    holds: (port) => [port, peers.get(port)?.deref()].some((end) => end !== undefined && hasRef.call(end) === true),
  });

  onMade(PART, workers, 'MessageChannel', ({ port1, port2 }: { port1: Port; port2: Port }, wrapper) => {
    peers.set(port1, new WeakRef(port2));
    peers.set(port2, new WeakRef(port1));
    channels.openedByUser(port1, wrapper);
  });
  const eachEnd = (port: Port, tell: (end: Port) => void): void => {
    tell(port);
    const peer = peers.get(port)?.deref();
    if (peer) tell(peer);
  };
  around<Port>(PART, workers.MessagePort.prototype, 'close', {
    before: (port, _, __, wrapper) => eachEnd(port, (end) => channels.closed(end, wrapper)),
  });
  around<Port>(PART, workers.MessagePort.prototype, 'postMessage', {
    before: (port) => eachEnd(port, (end) => channels.used(end)),
  });
  watchBroadcasts(desk);
}

function watchBroadcasts(desk: Desk): void {
  const broadcasts = new Entered<object>(desk, {
    ...{ adapter: PART, nature: 'port', library: 'BroadcastChannel' },
    hasEnded: () => false,
  });
  onMade(PART, workers, 'BroadcastChannel', (channel, wrapper) => broadcasts.openedByUser(channel, wrapper));
  broadcasts.endedBy(workers.BroadcastChannel.prototype, 'close');
}
