/** A library of ES modules as the Node.js that runs this can be told of: as CommonJS where it has no hooks for the other. */
import { createRequire } from 'node:module';

export async function load(name) {
  if (Number(process.versions.node.split('.')[0]) < 24) return createRequire(import.meta.url)(name);
  return (await import(name)).default;
}
