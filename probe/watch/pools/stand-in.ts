/**
 * What takes the place of a lost lease in its pool stays there when a probe leaves: it is known again by the next that
 * comes, which tells of it once more, and may heal it.
 */
import { types } from 'node:util';
import type { Cut } from '../../account/cut.ts';
import type { Resource } from '../../account/ledger.ts';

/** Of all copies of the probe. */
const MARK = Symbol.for('outlive.stand-in');

export function markStandIn<T extends object>(standIn: T): T {
  Object.defineProperty(standIn, MARK, { value: true });
  return standIn;
}

export function isStandIn(lent: unknown): lent is object {
  return typeof lent === 'object' && lent !== null && !types.isProxy(lent) && Object.hasOwn(lent, MARK);
}

/** What it stands for is gone already. */
const GONE: Cut['ref'] = { deref: () => undefined };

/** Of one that an earlier probe has left; `heal` gives its place back. */
export function ofStandIn(resource: Resource, heal: () => void): Cut {
  return { resource, ref: GONE, restore() {}, substitute() {}, heal };
}
