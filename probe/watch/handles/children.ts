/**
 * Child processes, as Node's channel tells of them: spawn, exec, execFile, fork. Its pipes belong to it. Gone when it
 * has exited, or never came up; a grandchild that lives on is not seen.
 */
import type { ChildProcess } from 'node:child_process';
import diagnosticsChannel from 'node:diagnostics_channel';
import type { AdapterName } from '../../adapters.ts';
import { guarded } from '../../process/lapses.ts';
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
  const made = (message: unknown): void => {
    guarded(PART, () => children.opened((message as { process: Child }).process, made));
  };
  diagnosticsChannel.subscribe('child_process', made);
}
