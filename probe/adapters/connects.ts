/**
 * Sockets that an HTTP agent or undici opens for itself live on after the request that caused them, and would keep its
 * flow: they are opened without the flow's mark. A socket that the service opens itself keeps everything.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import http from 'node:http';
import net from 'node:net';
import { guarded } from '../faults.ts';
import type { Flows, Mark } from '../flow.ts';
import { patch } from '../patch.ts';
import { microtask } from '../runtime.ts';

const PART = 'connects';

export function shedConnects(flows: Flows): void {
  // biome-ignore lint/suspicious/noExplicitAny: undocumented method of Agent, there on every supported version
  patch(http.Agent.prototype as any, 'createSocket', (original) => {
    return function createSocket(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return flows.shed(original, this, arguments);
    };
  });

  // undici tells of a connect in the tick that it calls Socket.connect in
  let suspended: Mark | null = null;
  diagnosticsChannel.subscribe('undici:client:beforeConnect', () => {
    guarded(PART, () => {
      suspended = flows.suspend();
      if (suspended) microtask(() => (suspended = null));
    });
  });
  patch(net.Socket.prototype, 'connect', (original) => {
    return function connect(this: unknown): unknown {
      const mark = suspended;
      suspended = null;
      try {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      } finally {
        flows.enter(mark);
      }
    };
  });
}
