/**
 * What goes on for as long as an async iterator is not ended: `setInterval` of node:timers/promises, `watch` of
 * node:fs/promises. It begins with the first `next()`, and is entered at the line of that (of the loop); it ends with
 * `return()`, which a loop that is left calls by itself, or by its signal.
 *
 * Nothing is loaded for it, and only the iterators' own prototype is changed.
 *
 * Errs: an iterator that was dropped, and goes on for ever, is seen only until it is collected. What begins before the
 * module is seen to be loaded is entered with its next turn.
 */
import { inspect } from 'node:util';
import type { AdapterName } from '../../adapters.ts';
import type { Method } from '../../process/around.ts';
import { beforeInherited } from '../../process/before-inherited.ts';
import type { NatureName } from '../../recording/natures.ts';
import type { Desk } from '../desk.ts';
import { isOfUser } from './callers.ts';
import { Entered } from './entered.ts';
import { onceLoaded } from './once-loaded.ts';

const PART = 'iterators' satisfies AdapterName;

type Iterator = AsyncGenerator<unknown>;
type Generating = Record<string, { prototype: object } | undefined>;

export function watchIterators(desk: Desk): void {
  const watch = (module: 'timers/promises' | 'fs/promises', name: string, nature: NatureName): void => {
    const { prototype } = (process.getBuiltinModule(`node:${module}`) as unknown as Generating)[name] ?? {};
    if (prototype !== undefined) watchMade(desk, prototype, nature, `${module}.${name}`);
  };
  onceLoaded(desk, PART, 'timers/promises', () => watch('timers/promises', 'setInterval', 'awaited interval'));
  onceLoaded(desk, PART, 'internal/fs/promises', () => watch('fs/promises', 'watch', 'awaited watcher'));
}

function watchMade(desk: Desk, prototype: object, nature: NatureName, library: string): void {
  const ended = new WeakSet<Iterator>();
  /** What its latest `next()` returned. */
  const turns = new WeakMap<Iterator, unknown>();
  const iterators = new Entered<Iterator>(desk, {
    ...{ adapter: PART, nature, library },
    hasEnded: (iterator) => ended.has(iterator) || isRejected(turns.get(iterator)),
  });
  const next = (iterator: Iterator, _: unknown, wrapper: Method): void => {
    if (ended.has(iterator) || iterators.has(iterator)) return;
    const request = iterators.asked(wrapper);
    // without a mark: the loop itself goes on with its flow
    if (isOfUser(request.site)) iterators.enter({ ...request, mark: null }, iterator);
  };
  beforeInherited<Iterator>(PART, prototype, 'next', next, (iterator, turn) => turns.set(iterator, turn));
  for (const end of ['return', 'throw']) {
    beforeInherited<Iterator>(PART, prototype, end, (iterator, _, wrapper) => {
      ended.add(iterator);
      iterators.closed(iterator, wrapper);
    });
  }
}

/** To print nothing of what a promise is of, and to call no code of the service's. */
const BRIEFLY = { depth: 0, customInspect: false, showProxy: true, maxArrayLength: 0, maxStringLength: 0 } as const;

/** As its signal rejects it. To wait for that would count as handling it, so that nobody is told who should be. */
function isRejected(turn: unknown): boolean {
  return turn !== undefined && inspect(turn, BRIEFLY).startsWith('Promise { <rejected>');
}
