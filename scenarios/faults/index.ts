/** Faults to mix into a scenario, the same way each time. None may cost work. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultName } from './names.ts';
import { LineProxy } from './proxy.ts';
import { crash } from './restart.ts';
import { lockTable } from './slow-queries.ts';

export interface Fault {
  /** Where the program is to connect. */
  url: string;
  /** Ends the fault, if it is still there, and what it needed. */
  end(): Promise<void>;
}

/** Milliseconds: the fault comes so long after the load began, and stays for as long. */
const AFTER_MS = 2000;
const LASTS_MS = 3000;

/** What a fault does while it is there; `url` is the database's own. */
const DEEDS: Record<
  Exclude<FaultName, 'none'>,
  (proxy: LineProxy, url: string, table: string) => Promise<() => unknown>
> = {
  'slow-queries': async (_, url, table) => (await lockTable(url, table)).end,
  latency: async (proxy) => {
    proxy.line = { latencyMs: 50, bytesPerSecond: null };
    return () => proxy.clear();
  },
  bandwidth: async (proxy) => {
    proxy.line = { latencyMs: 0, bytesPerSecond: 2000 };
    return () => proxy.clear();
  },
  drops: async (proxy) => {
    proxy.breakAll();
    const again = setInterval(() => proxy.breakAll(), 700);
    return () => clearInterval(again);
  },
  restart: async (_, url) => {
    await crash(url);
    return () => {};
  },
};

/** `startAt`: when the load begins, wall clock in milliseconds. `table`: one that every transaction needs. */
export async function mixIn(name: FaultName, url: string, table: string, startAt: () => number): Promise<Fault> {
  if (name === 'none') return { url, end: async () => {} };
  const proxy = await LineProxy.start(url);
  const stopping = new AbortController();
  const { signal } = stopping;
  const happening = (async () => {
    while (!(startAt() > 0)) await delay(50, undefined, { signal });
    await delay(Math.max(0, startAt() + AFTER_MS - Date.now()), undefined, { signal });
    const undo = await DEEDS[name](proxy, url, table);
    await delay(LASTS_MS, undefined, { signal }).catch(() => {});
    await undo();
  })();
  happening.catch(() => {});
  return {
    url: proxy.url,
    end: async () => {
      stopping.abort();
      const problem = await happening.then(
        () => null,
        (error: Error) => (error.name === 'AbortError' ? null : error),
      );
      await proxy.stop();
      if (problem) throw problem;
    },
  };
}
