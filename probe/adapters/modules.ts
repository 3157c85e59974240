/**
 * Tells adapters when a library is loaded. All supported libraries are CommonJS, and Node's CommonJS loader also sees
 * the ones that ES modules import; nested copies are seen each by itself.
 */

import { readFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { guarded, type Part } from '../faults.ts';
import { patch } from '../patch.ts';

export interface LibraryAdapter {
  /** Package name. */
  name: Part;
  /**
   * Called for each loaded copy with what `require(name)` returns, and the file that exports it, until it says true: in
   * a require cycle the exports are still unfinished at first.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the library's own exports, of any version
  attach(exports: any, file: string): boolean;
}

interface Loader {
  _load(request: string, parent: unknown, isMain: boolean): unknown;
  _resolveFilename(request: string, parent: unknown, isMain: boolean): string;
}

/** `onAttached` gets `pg 8.23.1`. */
export function watchModules(adapters: readonly LibraryAdapter[], onAttached: (label: string) => void): void {
  const loader = Module as unknown as Loader;
  const byName = new Map<string, LibraryAdapter>(adapters.map((adapter) => [adapter.name, adapter]));
  const isMentioned = new RegExp(`(?:^|[\\\\/])(?:${[...byName.keys()].map(escapeRegExp).join('|')})(?:[\\\\/]|$)`);
  const seen = new WeakSet<object>();

  const examine = (exports: unknown, request: string, parent: unknown): void => {
    if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function') || seen.has(exports)) return;
    const file = loader._resolveFilename(request, parent, false);
    const library = mainModuleOf(file);
    const adapter = library && byName.get(library.name);
    if (!adapter) return;
    guarded(adapter.name, () => {
      if (!adapter.attach(exports, file)) return;
      seen.add(exports);
      onAttached(`${library.name} ${library.version}`);
    });
  };

  patch(loader, '_load', (original) => {
    return function _load(this: unknown, request: string, parent: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arity and arguments pass through untouched
      const exports = Reflect.apply(original, this, arguments);
      if (typeof request === 'string' && isMentioned.test(request)) {
        guarded('modules', () => examine(exports, request, parent));
      }
      return exports;
    };
  });
}

/** The package that `file` is the main module of, or null for any other file. */
function mainModuleOf(file: string): { name: string; version: string } | null {
  if (!path.isAbsolute(file)) return null;
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    let manifest: { name?: string; version?: string; main?: string };
    try {
      manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    if (!manifest.name) continue;
    const main = path.resolve(folder, manifest.main ?? 'index.js');
    const isMain = file === main || file === `${main}.js` || file === path.join(main, 'index.js');
    return isMain ? { name: manifest.name, version: manifest.version ?? '?' } : null;
  }
  return null;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
