/**
 * HTTP agents that keep their sockets. The sockets are the agent's capacity; an agent is entered, where it was made, when
 * it opens its first one, and has ended when it has none. Node's own global agents are never entered: the first of them
 * is made while node:http is loaded, and is what tells of it.
 *
 * False negatives: all of them, where the adapter of emitters is off.
 */
import type http from 'node:http';
import type net from 'node:net';
import type { Request } from '../../account/ledger.ts';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import { guarded } from '../../process/lapses.ts';
import type { Desk } from '../desk.ts';
import { isOfPool, isOfUser } from './callers.ts';
import { Entered } from './entered.ts';

const PART = 'http-agents' satisfies AdapterName;

type Agent = http.Agent & { totalSocketCount: number };

export function watchAgents(desk: Desk): void {
  desk.onFree = (emitter) => {
    let prototype = Object.getPrototypeOf(emitter);
    while (prototype !== null && !Object.hasOwn(prototype, 'createSocket'))
      prototype = Object.getPrototypeOf(prototype);
    if (prototype === null) return;
    desk.onFree = null;
    guarded(PART, watchMade, desk, prototype);
  };
}

function watchMade(desk: Desk, prototype: Agent): void {
  const agents = new Entered<Agent>(desk, {
    ...{ adapter: PART, nature: 'HTTP agent', library: 'http.Agent' },
    hasEnded: ({ totalSocketCount }) => totalSocketCount === 0,
    pulse: bytesOf,
  });
  const made = new WeakMap<Agent, Request>();
  onFirstSet<Agent>(PART, prototype, 'keepAlive', (agent, isKeeping, setter) => {
    if (isKeeping !== true) return;
    const request = agents.asked(setter);
    const { site } = request;
    // an agent lives longer than the flow that made it, which its mark would keep
    if (isOfUser(site) && !isOfPool(site, desk)) made.set(agent, { ...request, mark: null });
  });
  around<Agent>(PART, prototype, 'createSocket', {
    after: (agent) => {
      const request = made.get(agent);
      if (request !== undefined && !agents.has(agent)) agents.enter(request, agent);
    },
  });
  agents.endedBy(prototype, 'destroy');
}

function bytesOf({ sockets, freeSockets }: Agent): number {
  const all = [...Object.values(sockets), ...Object.values(freeSockets)].flat() as net.Socket[];
  return all.reduce((total, { bytesRead, bytesWritten = 0 }) => total + bytesRead + bytesWritten, 0);
}
