/**
 * Sockets that an HTTP agent or undici opens for itself live on after the request that caused them, and would keep its
 * flow: they are opened without the flow's mark. A socket that the service opens itself keeps everything.
 *
 * Nothing is loaded for it that the service does not load itself. An ES module's import of `node:http` tells nobody: there
 * the first socket of an agent is what tells, and of an `https` agent this first one keeps its mark.
 */
import net from 'node:net';
import type { Flows, Mark } from '../account/flow.ts';
import { around } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';
import { microtask } from '../process/runtime.ts';
import { listenTo } from './channels.ts';
import { isOfAgent } from './of-agent.ts';

const PART = 'unmark-pooled-sockets';

/** Returns what to call when `node:http` has been loaded; once is enough, more often does no harm. */
export function unmarkPooledSockets(flows: Flows): () => void {
  let arePatched = false;
  const patchAgents = (): void => {
    if (arePatched) return;
    arePatched = true;
    const http = process.getBuiltinModule('node:http');
    around(PART, http.Agent.prototype, 'createSocket', {
      within: flows.unmarked(),
    });
  };

  // undici tells of a connect in the tick that it calls Socket.connect in
  let suspended: Mark | null = null;
  listenTo(PART, 'undici:client:beforeConnect', () => {
    suspended = flows.suspend();
    if (suspended) microtask(() => (suspended = null));
  });
  around<net.Socket, Mark | null>(PART, net.Socket.prototype, 'connect', {
    before: (_, given) => {
      const mark = suspended;
      suspended = null;
      if (arePatched || !isOfAgent(given)) return mark;
      patchAgents();
      return mark ?? flows.suspend();
    },
    finally: (_, mark) => flows.enter(mark ?? null),
  });
  return () => guarded(PART, patchAgents);
}
