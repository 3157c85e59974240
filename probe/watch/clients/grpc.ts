/**
 * @grpc/grpc-js: channels, which each client makes one of, from their first use to `close`; and streaming calls, from the
 * call until their status comes. A channel that was never used has connected to nothing, and one that was closed stays
 * so, whatever it is asked. Its sockets and timers are its own, and go on without it: one that is dropped nobody can close
 * any more.
 */
import type { AdapterName } from '../../adapters.ts';
import { beforeInherited } from '../../process/before-inherited.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { requireFrom } from '../loaded.ts';
import { Clients, Folders } from './clients.ts';

const PART = 'grpc' satisfies AdapterName;
const LIBRARY = '@grpc/grpc-js';
const USES = ['createCall', 'getConnectivityState', 'watchConnectivityState'];
/** First properties that its constructor sets, by version: from 1.0, from 1.9. */
const FIRST = ['credentials', 'internalChannel'];
const STREAMING = ['ClientReadableStreamImpl', 'ClientWritableStreamImpl', 'ClientDuplexStreamImpl'];

export function attachments(desk: Desk): Attachments {
  const folders = new Folders();
  const closed = new WeakSet<object>();
  const channels = new Clients<object>(
    desk,
    { adapter: PART, nature: 'client', library: LIBRARY, hasEnded: () => false, isLostWithObject: true },
    folders,
  );
  const calls = new Clients<object>(
    desk,
    { adapter: PART, nature: 'call', library: `${LIBRARY} call`, hasEnded: () => false },
    folders,
  );
  const watchCalls = (prototype: object): void => {
    // as the call is begun
    onFirstSet<object>(PART, prototype, 'call', (call, _, setter) => {
      calls.made(call, setter);
      calls.opened(call);
    });
    beforeInherited<object>(PART, prototype, 'emit', (call, event, wrapper) => {
      if (event === 'status') calls.closed(call, wrapper);
      else calls.used(call);
    });
  };
  return {
    [LIBRARY]({ Channel }, file) {
      folders.add(file);
      for (const first of FIRST) {
        onFirstSet<object>(PART, Channel.prototype, first, (channel, _, setter) => channels.made(channel, setter));
      }
      for (const use of USES) {
        channels.openedBy(Channel.prototype, use, (self) => (closed.has(self) ? undefined : self));
      }
      channels.closedBy(Channel.prototype, ['close'], (self) => {
        closed.add(self);
        return self;
      });
      const streams = requireFrom(file)('./call.js');
      for (const name of STREAMING) watchCalls(streams[name].prototype);
    },
  };
}
