/**
 * Vitest's pools of virtual machines (`vmThreads`, `vmForks`) load CommonJS by a loader of their own, which Node's hooks
 * do not see. Libraries that are ES modules are not seen there.
 */
import type { Guard } from '../core.ts';

type Loader = (module: { exports: unknown }, file: string) => unknown;

interface Loaders {
  _extensions?: Record<string, Loader | undefined>;
}

/** `own`: what `node:module` is to the runner; of Node itself in all other pools. */
export function watchVmModules(guard: Guard, own: object): void {
  const loaders = (own as Loaders)._extensions;
  const load = loaders?.['.js'];
  if (own === process.getBuiltinModule('node:module') || !loaders || !load) return;
  loaders['.js'] = function watched(this: unknown, module, file) {
    const result: unknown = Reflect.apply(load, this, [module, file]);
    guard.loaded(file, module);
    return result;
  };
}
