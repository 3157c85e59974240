/**
 * Child processes: spawn, exec, execFile, fork. Its pipes belong to it. Gone when it has exited, or never came up; a
 * grandchild that lives on is not seen.
 */
import { ChildProcess } from 'node:child_process';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'child-processes' satisfies AdapterName;

/** Node's own; null once it has exited. */
type Child = ChildProcess & { _handle: object | null };

export function watchChildren(desk: Desk): void {
  const children = new Entered<Child>(desk, {
    ...{ adapter: PART, nature: 'child', library: 'child_process' },
    hasEnded: ({ _handle }) => _handle === null,
  });
  around<Child>(PART, ChildProcess.prototype, 'spawn', {
    after: (child, _, __, wrapper) => children.opened(child, wrapper),
  });
}
