/**
 * Child processes inherit the probe: by absolute path, into the same folder, whatever environment and working
 * directory they are given. Only the environment of the child is changed, never the service's own.
 *
 * A child under the permission model is left alone: where it may not read the preload, it would not start.
 */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { guarded } from '../faults.ts';
import { type Inherit, inheritance, replaceIn } from '../inherit.ts';
import { patch } from '../patch.ts';
import { handDownToWorkers } from './workers.ts';

const PART = 'children';

/** `folder` and `register` are absolute paths. */
export function handDown(folder: string, register: string): void {
  const inherit = inheritance(folder, register);

  patch(childProcess.ChildProcess.prototype as unknown as { spawn(options: unknown): unknown }, 'spawn', (original) => {
    return function spawn(this: unknown, options: { envPairs?: unknown; args?: unknown }): unknown {
      guarded(PART, () => {
        if (Array.isArray(options?.envPairs) && isOpen(options.args)) addToPairs(options.envPairs, inherit);
      });
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return Reflect.apply(original, this, arguments);
    };
  });

  // these go straight to the runtime, so the child's environment is among the service's own arguments
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) {
    patch(childProcess, name, (original) => {
      return function startSync(this: unknown): unknown {
        // biome-ignore lint/complexity/noArguments: only the options are replaced, by a copy
        const args = arguments as unknown as unknown[];
        guarded(PART, () => addToOptions(args, name !== 'execSync', inherit));
        return Reflect.apply(original, this, args);
      };
    });
  }
  handDownToWorkers(inherit);
  syncBuiltinESMExports();
}

function isOpen(args: unknown): boolean {
  return !Array.isArray(args) || !args.some((arg) => /^--(?:experimental-)?permission\b/.test(String(arg)));
}

/** `pairs` are Node's own `NAME=value` list for one child. */
function addToPairs(pairs: string[], inherit: Inherit): void {
  const options = pairs.find((pair) => pair.startsWith('NODE_OPTIONS='))?.slice('NODE_OPTIONS='.length);
  for (const [name, value] of Object.entries(inherit({ NODE_OPTIONS: options }))) {
    const index = pairs.findIndex((pair) => pair.startsWith(`${name}=`));
    if (index >= 0) pairs.splice(index, 1);
    pairs.push(`${name}=${value}`);
  }
}

/** `args` are (file, args?, options?) or (command, options?), as the service wrote them. */
function addToOptions(args: unknown[], hasArguments: boolean, inherit: Inherit): void {
  const isLeftOut = !hasArguments || (typeof args[1] === 'object' && args[1] !== null && !Array.isArray(args[1]));
  const index = isLeftOut ? 1 : 2;
  const options = args[index] ?? {};
  if (typeof options !== 'object' || Array.isArray(options) || args[index] === null || !isOpen(args[1])) return;
  const env: NodeJS.ProcessEnv = {};
  const given = (options as { env?: NodeJS.ProcessEnv }).env || process.env;
  // as Node reads it: inherited variables too
  for (const name in given) env[name] = given[name];
  args[index] = replaceIn(options, 'env', { ...env, ...inherit(env) });
  if (args.length <= index) args.length = index + 1;
}
