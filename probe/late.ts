/**
 * Parts that few processes need are loaded when they do. And a service that looks through its loaded modules, or unloads
 * them all, meets none of the probe's.
 */
import path from 'node:path';

declare const module: NodeJS.Module;

/** To be called when a module of the probe was loaded. */
export function hideModules(): void {
  for (const file of Object.keys(require.cache)) if (file.startsWith(__dirname + path.sep)) delete require.cache[file];
}

/** `load` requires a part, which shares this very copy of the probe. */
export function late<Part>(load: () => Part): Part {
  require.cache[__filename] = module;
  try {
    return load();
  } finally {
    hideModules();
  }
}
