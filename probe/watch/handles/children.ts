/**
 * Child processes: spawn, exec, execFile, fork. Its pipes belong to it. Gone when it has exited, or never came up; what it
 * leaves running then is told by grandchildren.ts.
 */
import { ChildProcess } from 'node:child_process';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';
import { Grandchildren } from './grandchildren.ts';

const PART = 'child-processes' satisfies AdapterName;

/** Node's own; null once it has exited. */
type Child = ChildProcess & { _handle: object | null };

export function watchChildren(desk: Desk): void {
  const children = new Entered<Child>(desk, {
    ...{ adapter: PART, nature: 'child', library: 'child_process' },
    hasEnded: ({ _handle }) => _handle === null,
  });
  const grandchildren = new Grandchildren(desk);
  around<Child, { envPairs?: string[] }>(PART, ChildProcess.prototype, 'spawn', {
    before: (_, options) => options as { envPairs?: string[] },
    after: (child, _, options, wrapper) => {
      children.opened(child, wrapper);
      // by now it has what is handed down
      grandchildren.spawned(child.pid, options?.envPairs ?? [], children.resourceOf(child));
    },
  });
}
