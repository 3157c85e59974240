/**
 * Child processes inherit the probe: by absolute path, into the same folder, whatever environment and working
 * directory they are given. Only the environment of the child is changed, never the service's own.
 */
import { ChildProcess } from 'node:child_process';
import { guarded } from '../faults.ts';
import { patch } from '../patch.ts';

const PART = 'children';

/** `folder` and `register` are absolute paths. */
export function handDown(folder: string, register: string): void {
  patch(ChildProcess.prototype as unknown as { spawn(options: unknown): unknown }, 'spawn', (original) => {
    return function spawn(this: unknown, options: { envPairs?: unknown }): unknown {
      guarded(PART, () => {
        if (Array.isArray(options?.envPairs)) addProbe(options.envPairs, folder, register);
      });
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return Reflect.apply(original, this, arguments);
    };
  });
}

/** `pairs` are Node's own `NAME=value` list for one child. */
function addProbe(pairs: string[], folder: string, register: string): void {
  const set = (name: string, value: (old: string | null) => string): void => {
    const index = pairs.findIndex((pair) => pair.startsWith(`${name}=`));
    const old = pairs[index]?.slice(name.length + 1) ?? null;
    if (index >= 0) pairs.splice(index, 1);
    pairs.push(`${name}=${value(old)}`);
  };
  set('OUTLIVE_OUT', () => folder);
  set('OUTLIVE_PARENT', () => String(process.pid));
  set('NODE_OPTIONS', (old) => {
    if (old?.includes(register)) return old;
    return [old, `--require ${JSON.stringify(register)}`].filter(Boolean).join(' ');
  });
}
