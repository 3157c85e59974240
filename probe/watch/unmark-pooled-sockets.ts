/**
 * Sockets that an HTTP agent or undici opens for itself live on after the request that caused them, and would keep its
 * flow: they are opened without the flow's mark. A socket that the service opens itself keeps everything.
 *
 * Nothing is loaded for it that the service does not load itself. An ES module's import of `node:http` tells nobody: there
 * the first socket of an agent is what tells, and of an `https` agent this first one keeps its mark.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import net from 'node:net';
import type { Flows, Mark } from '../account/flow.ts';
import { guarded } from '../process/lapses.ts';
import { microtask } from '../process/runtime.ts';
import { patch } from './patch.ts';

const PART = 'connects';

/** Returns what to call when `node:http` has been loaded; once is enough, more often does no harm. */
export function shedConnects(flows: Flows): () => void {
  let arePatched = false;
  const patchAgents = (): void => {
    if (arePatched) return;
    arePatched = true;
    const http = process.getBuiltinModule('node:http');
    // biome-ignore lint/suspicious/noExplicitAny: undocumented method of Agent, there on every supported version
    patch(http.Agent.prototype as any, 'createSocket', (original) => {
      return function createSocket(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return flows.shed(original, this, arguments);
      };
    });
  };

  // undici tells of a connect in the tick that it calls Socket.connect in
  let suspended: Mark | null = null;
  diagnosticsChannel.subscribe('undici:client:beforeConnect', () => {
    guarded(PART, () => {
      suspended = flows.suspend();
      if (suspended) microtask(() => (suspended = null));
    });
  });
  patch(net.Socket.prototype, 'connect', (original) => {
    return function connect(this: unknown, given: unknown): unknown {
      let mark = suspended;
      suspended = null;
      guarded(PART, () => {
        if (arePatched || !isOfAgent(given)) return;
        patchAgents();
        mark ??= flows.suspend();
      });
      try {
        // biome-ignore lint/complexity/noArguments: arguments pass through untouched
        return Reflect.apply(original, this, arguments);
      } finally {
        flows.enter(mark);
      }
    };
  });
  return () => guarded(PART, patchAgents);
}

/** Node's own list of normalized arguments, with the options that an agent made. */
function isOfAgent(given: unknown): boolean {
  return Array.isArray(given) && (given[0] as { _agentKey?: unknown } | undefined)?._agentKey !== undefined;
}
