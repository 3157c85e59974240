/**
 * Libraries that ES modules import as ES modules, which the CommonJS loader never sees (postgres, mariadb). Node's own
 * hooks (from Node.js 24) let a statement be added to one file of each, at its end or on its first line: it hands over
 * what the file is to be watched by, and takes it back, wrapped where it has to be.
 *
 * They are only asked for where such a library is installed, above the main script or the working directory, so that all
 * other programs load as they always do. False negatives: one that is installed elsewhere; it is told by its connects.
 */
import Module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Package } from '../adapters.ts';
import { guarded } from '../process/lapses.ts';
import { onLeave } from '../process/leaving.ts';
import { exists, nodeMajor } from '../process/runtime.ts';
import { type Hand, KEY, withStatement } from './es-statement.ts';

const PART = 'modules';
type Es = NonNullable<Package['es']>;
type Source = string | NodeJS.TypedArray | ArrayBuffer | null | undefined;
interface Loaded {
  format?: string | null | undefined;
  source?: Source;
}
type Load = (url: string, context: object, next: (url: string, context?: object) => Loaded) => Loaded;
type Hooks = { registerHooks?(hooks: { load: Load }): { deregister(): void } };

/** Told of each copy: what its file hands over, whose members may be replaced. */
type Told = (file: string, exports: Record<string, unknown>) => void;

export function watchEsModules(packages: readonly Package[], told: Told): void {
  const { registerHooks } = Module as Hooks;
  const folders = moduleFolders();
  const wanted = packages.filter(({ es, name }) => es !== undefined && isIn(folders, name));
  // those of Node.js 22 break a program that has hooks in a thread of their own, as loaders of TypeScript have
  if (wanted.length === 0 || registerHooks === undefined || nodeMajor < 24) return;
  // what Vitest's virtual machines have in its place throws
  if (Module !== process.getBuiltinModule('node:module')) return;
  const ends = wanted.map(({ name, entry, es }) => ({ end: `/node_modules/${name}/${entry}`, es: es as Es }));
  const hand: Hand = (url, exports) => {
    guarded(PART, told, fileURLToPath(url), exports);
    return exports;
  };
  Object.defineProperty(globalThis, Symbol.for(KEY), { value: hand, configurable: true });
  const hooks = registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (loaded.format !== 'module' || !url.startsWith('file:')) return loaded;
      const found = ends.find(({ end }) => url.endsWith(end));
      return found ? { ...loaded, source: withStatement(textOf(loaded.source), found.es) } : loaded;
    },
  });
  onLeave(() => {
    hooks.deregister();
    Reflect.deleteProperty(globalThis, Symbol.for(KEY));
  });
}

function textOf(source: Source): string {
  return typeof source === 'string' ? source : Buffer.from(source as ArrayBuffer).toString();
}

/** Where packages may be: most programs have one such folder, or none. */
function moduleFolders(): string[] {
  const [, main = ''] = process.argv;
  const folders = new Set<string>();
  for (const from of [path.dirname(path.resolve(main)), process.cwd()]) {
    for (let folder = from; ; folder = path.dirname(folder)) {
      folders.add(`${folder}${folder.endsWith(path.sep) ? '' : path.sep}node_modules`);
      if (folder === path.dirname(folder)) break;
    }
  }
  return [...folders].filter(exists);
}

function isIn(folders: readonly string[], name: string): boolean {
  return folders.some((folder) => exists(path.join(folder, name, 'package.json')));
}
