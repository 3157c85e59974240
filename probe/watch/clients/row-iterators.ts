/** Iterators over the rows of a statement of SQLite's: when one is over. */
import type { AdapterName } from '../../adapters.ts';
import { around, type Method } from '../../process/around.ts';
import { guarded } from '../../process/lapses.ts';

/** Tells of each of `prototype`'s that was read to its end, has thrown, or was returned; `wrapper` is on the stack. */
export function onRowsOver<Rows extends object>(
  part: AdapterName,
  prototype: object,
  told: (rows: Rows, wrapper: Method) => void,
): void {
  around<Rows, Method>(part, prototype, 'next', {
    before: (_, __, ___, wrapper) => wrapper,
    call: (next, rows, args, wrapper) => {
      let isOver = true;
      try {
        const record = Reflect.apply(next, rows, args);
        isOver = record.done;
        return record;
      } finally {
        if (isOver && wrapper) guarded(part, told, rows, wrapper);
      }
    },
  });
  around<Rows>(part, prototype, 'return', { after: (rows, _, __, wrapper) => told(rows, wrapper) });
}

/** Nothing exports the class of such iterators, nor some of statements: each is met with its first object. */
export function onceFor(watch: (prototype: object) => void): (prototype: object | null) => void {
  const known = new WeakSet<object>();
  return (prototype) => {
    if (prototype === null || known.has(prototype)) return;
    known.add(prototype);
    watch(prototype);
  };
}
