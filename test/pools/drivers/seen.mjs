/** A library of ES modules as the Node.js that runs this can be told of: as CommonJS where it has no hooks for the other. */
import Module, { createRequire } from 'node:module';

export async function load(name) {
  if (Module.registerHooks === undefined) return createRequire(import.meta.url)(name);
  return (await import(name)).default;
}
