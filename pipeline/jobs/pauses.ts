/** What comes at its own pace: between two items that are long in coming there are pauses, to work in. */

export const PAUSE = Symbol('pause');

/** A pause for each `ms` that the next item is not there. */
export async function* withPauses<T>(
  items: AsyncIterable<T> | Iterable<T>,
  ms: number,
): AsyncGenerator<T | typeof PAUSE> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : (items[Symbol.iterator]() as Iterator<T>);
  try {
    for (;;) {
      const next = Promise.resolve(iterator.next());
      for (let isHere = false; !isHere; ) {
        let timer: NodeJS.Timeout | undefined;
        const pause = new Promise<typeof PAUSE>((resolve) => {
          timer = setTimeout(resolve, ms, PAUSE);
        });
        const first = await Promise.race([next, pause]).finally(() => clearTimeout(timer));
        if (first === PAUSE) yield PAUSE;
        else if (first.done) return;
        else {
          isHere = true;
          yield first.value;
        }
      }
    }
  } finally {
    void iterator.return?.(); // it would wait for the next item
  }
}
