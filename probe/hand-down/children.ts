/**
 * Child processes inherit the probe: by absolute path, into the same folder, whatever environment and working
 * directory they are given. Only the environment of the child is changed, never the service's own.
 *
 * A child under the permission model, or of another user, is left alone where it may not read the preload: it would not
 * start. What left no recording is told by the report, see `started`.
 */
import childProcess from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { around } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';
import { type Inherit, inheritance, type OnStarted, replaceIn } from './inherit.ts';
import { handDownToWorkers } from './workers.ts';

const PART = 'children';

/** What Node's own `spawn` is called with. */
interface SpawnOptions {
  file?: unknown;
  args?: unknown;
  envPairs?: unknown;
  uid?: unknown;
}

/** `folder` and `register` are absolute paths. */
export function handDown(folder: string, register: string, started: OnStarted): void {
  const inherit = inheritance(folder, register);

  around<{ pid?: number }, SpawnOptions>(PART, childProcess.ChildProcess.prototype, 'spawn', {
    before(_, given) {
      const options = given as SpawnOptions;
      if (Array.isArray(options?.envPairs) && isOpen(options.args, options.uid, register))
        addToPairs(options.envPairs, inherit);
      return options;
    },
    after({ pid }, _, options) {
      const argv = textsOf(options?.args);
      if (pid !== undefined && isProgram(options?.file, argv)) started(pid, 0, argv);
    },
  });

  // these go straight to the runtime, so the child's environment is among the service's own arguments
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) {
    around(PART, childProcess, name, {
      call(startSync, self, given) {
        // only the options are replaced, by a copy
        const args = [...(given as unknown as unknown[])];
        const [file, list] = args;
        guarded(PART, () => addToOptions(args, name !== 'execSync', inherit, register));
        const result: unknown = Reflect.apply(startSync, self, args);
        guarded(PART, () => {
          const { pid } = (result ?? {}) as { pid?: unknown };
          const argv = [String(file), ...textsOf(list)];
          if (typeof pid === 'number' && pid > 0 && isProgram(file, argv)) started(pid, 0, argv);
        });
        return result;
      },
    });
  }
  handDownToWorkers(register, inherit, started);
}

/** Whether a child can be probed: it would not start where it may not read the preload. */
function isOpen(args: unknown, uid: unknown, register: string): boolean {
  if (textsOf(args).some((arg) => /^--(?:experimental-)?permission\b/.test(arg))) return false;
  return uid == null || uid === process.getuid?.() || isPublic(register);
}

/** Whether every user can read it. */
function isPublic(file: string): boolean {
  try {
    for (let part = file; part !== path.dirname(part); part = path.dirname(part)) {
      const needed = part === file ? 0o4 : 0o1;
      if ((statSync(part).mode & needed) === 0) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** Whether it is Node.js, asked to run a program. */
function isProgram(file: unknown, args: readonly string[]): boolean {
  if (args.some((arg) => /^(?:-v|--version|-h|--help|--v8-options|-c|--check)$/.test(arg))) return false;
  return file === process.execPath || /^node(?:js)?(?:\.exe)?$/.test(path.basename(String(file)));
}

function textsOf(args: unknown): string[] {
  return Array.isArray(args) ? args.map(String) : [];
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
function addToOptions(args: unknown[], hasArguments: boolean, inherit: Inherit, register: string): void {
  const isLeftOut = !hasArguments || (typeof args[1] === 'object' && args[1] !== null && !Array.isArray(args[1]));
  const index = isLeftOut ? 1 : 2;
  const options = args[index] ?? {};
  if (typeof options !== 'object' || Array.isArray(options) || args[index] === null) return;
  if (!isOpen(args[1], (options as SpawnOptions).uid, register)) return;
  const env: NodeJS.ProcessEnv = {};
  const given = (options as { env?: NodeJS.ProcessEnv }).env || process.env;
  // as Node reads it: inherited variables too
  for (const name in given) env[name] = given[name];
  args[index] = replaceIn(options, 'env', { ...env, ...inherit(env) });
}
