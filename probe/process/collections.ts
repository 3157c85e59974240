/**
 * When a major garbage collection has ended, which is when the heap shows what is in use. A symbol lives in the old
 * space from the start, so only a major collection takes one away; its finalizer is run soon after, and by then costs
 * some microseconds. A PerformanceObserver would tell of each minor collection too, through immediates that the
 * service can see.
 */
import { guarded } from './lapses.ts';

/** Kept here: a registry that is garbage itself tells nothing. */
let registry: FinalizationRegistry<null>;

export function watchCollections(onCollected: () => void): void {
  registry = new FinalizationRegistry<null>(() => {
    guarded('collections', () => {
      arm();
      onCollected();
    });
  });
  // symbols as targets: the type library allows objects alone
  const arm = (): void => registry.register(Symbol('outlive') as unknown as WeakKey, null);
  guarded('collections', arm);
}
