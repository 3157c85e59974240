/**
 * A cut: for a moment a library lets go of one lease, so that a garbage collection tells whether anybody else holds it.
 * See proof/prover.ts.
 */
import type { Resource } from './resource.ts';

/** Nothing here may refer to what was cut out, other than weakly. */
export interface Cut {
  readonly resource: Resource;
  /** To what was lent. Made in an earlier job: a fresh one would keep it. */
  readonly ref: Pick<WeakRef<object>, 'deref'>;
  /** Somebody holds it: everything is as it was. */
  restore(lent: object): void;
  /** It is gone: a stand-in takes its place, so that the pool's numbers, its limits and the server's session stay. */
  substitute(): void;
  /** After `substitute`: destroys the connection and gives its place back to the pool. */
  heal(): void;
}
