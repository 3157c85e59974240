/** Callbacks of the service, which libraries call in whatever flow they happen to be in. */
import type { Flows, Mark } from '../account/flow.ts';

/** Has the callback, if the last argument is one, run as part of the current flow, or of the one that `mark` stands for. */
export function bindLast(args: IArguments, flows: Flows, mark?: Mark | null): void {
  const last = args.length - 1;
  if (typeof args[last] === 'function')
    args[last] = flows.bind(args[last], mark === undefined ? flows.current() : mark);
}
