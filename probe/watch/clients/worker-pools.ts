/** Pools of threads and processes: piscina and workerpool. What they start for themselves is theirs, not the service's. */
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { onFirstSet } from '../../process/first-set.ts';
import type { Attachments } from '../adapter-modules.ts';
import type { Desk } from '../desk.ts';
import { Clients, type ClientsFacts, Folders, ownerOf } from './clients.ts';

const PART = 'worker-pools' satisfies AdapterName;

interface Piscina {
  threads: readonly unknown[];
  options?: { filename?: string | null; name?: string };
}

interface Workerpool {
  workers: readonly unknown[];
  script?: string | null;
}

/** Of a thread or a child process. */
interface Handler {
  terminated: boolean;
  worker: { threadId?: number; exitCode?: number | null; signalCode?: string | null };
}

const pools = <Pool extends object>(
  desk: Desk,
  library: string,
  asked: Pick<ClientsFacts<Pool>, 'hasEnded' | 'leadsTo'>,
  folders: Folders,
) => new Clients<Pool>(desk, { adapter: PART, nature: 'worker pool', library, ...asked }, folders);

export function attachments(desk: Desk): Attachments {
  return { piscina: watchPiscina(desk), workerpool: watchWorkerpool(desk) };
}

/** One whose threads are all gone holds nothing. */
function watchPiscina(desk: Desk): Attachments[string] {
  const folders = new Folders();
  const asked = {
    hasEnded: ({ threads }: Piscina) => threads.length === 0,
    leadsTo: ({ options }: Piscina) => `${options?.filename} ${options?.name}`,
  };
  const all = pools<Piscina>(desk, 'piscina', asked, folders);
  return (exports, file) => {
    const { prototype } = exports;
    folders.add(file);
    // the first that the constructor of an emitter sets; its threads are started before it returns
    onFirstSet<Piscina>(PART, prototype, '_events', (pool, _, setter) => {
      all.made(pool, setter);
      all.opened(pool);
    });
    all.closedBy(prototype, ['close', 'destroy']);
    all.usedBy(prototype, 'run', (self) => self as Piscina);
  };
}

/**
 * It starts its workers when it is first asked, unless told otherwise. They do not hold it: once a pool was dropped, nobody
 * can end the workers that still run.
 */
function watchWorkerpool(desk: Desk): Attachments[string] {
  const folders = new Folders();
  const all = pools<Workerpool>(
    desk,
    'workerpool',
    { hasEnded: () => false, leadsTo: ({ script }) => String(script) },
    folders,
  );
  const workers = new WeakMap<Workerpool, WeakRef<Handler>[]>();
  const known = new WeakSet<object>();
  const itself = (self: object) => self as Workerpool;
  const opened = (pool: Workerpool, handlers: Iterable<Handler>): void => {
    const own = workers.get(pool) ?? [];
    workers.set(pool, own);
    for (const handler of handlers) own.push(new WeakRef(handler));
    all.opened(pool, { handle: new WeakRef(pool), isGone: () => own.every((handler) => hasEnded(handler.deref())) });
  };
  const learn = (owner: object): void => {
    known.add(owner);
    all.closedBy(owner, ['terminate', 'clear']);
    all.usedBy(owner, 'exec', itself);
    around<Workerpool>(PART, owner, '_createWorkerHandler', {
      after: (pool, handler: Handler) => opened(pool, [handler]),
    });
  };
  const made = (pool: Workerpool, wrapper: Method): void => {
    const owner = ownerOf(pool, 'exec');
    if (owner && !known.has(owner)) learn(owner);
    all.made(pool, wrapper);
    if (pool.workers.length > 0) opened(pool, pool.workers as Handler[]);
  };
  return (exports, file) => {
    folders.add(file);
    around(PART, exports, 'pool', { after: (_, pool: Workerpool, __, wrapper) => made(pool, wrapper) });
  };
}

function hasEnded(handler: Handler | undefined): boolean {
  if (handler === undefined) return true;
  const { threadId, exitCode = null, signalCode = null } = handler.worker;
  return handler.terminated || threadId === -1 || exitCode !== null || signalCode !== null;
}
