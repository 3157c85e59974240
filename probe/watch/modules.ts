/**
 * Tells when a library is loaded. Nearly all are CommonJS, and Node's CommonJS loader also sees the ones that ES modules
 * import; nested copies are seen each by itself. A package of ES modules alone is seen by what it connects to: connects.ts.
 *
 * Only the resolution of names is patched, which is over before a module runs: a wrapper around the loading would stand
 * in the stack of everything that a module does while it loads. Yarn's `.pnp.cjs` puts a resolution of its own in its
 * place, which is then patched again. What came another way is found in the list of loaded modules, though later.
 */

import Module from 'node:module';
import path from 'node:path';
import { around } from '../process/around.ts';
import { guarded } from '../process/lapses.ts';
import { type Loaded, tellOf } from './loaded.ts';
import { installedAs, installedName, type Manifest, manifestOf, packageIn } from './packages.ts';

const PART = 'modules';
const HTTP: ReadonlySet<string> = new Set(['http', 'https', 'node:http', 'node:https']);
const IS_PNP = /[\\/]\.pnp\.c?js$/;

/** One copy of a package, loaded. */
export interface Copy {
  name: string;
  /** Its name; with the file, where that is another entry than the main one: `mysql2/promise.js`. */
  id: string;
  version: string;
  /** Where it lies, with a separator at the end. */
  folder: string;
  /** The file that exports it, and what `require` returns. */
  file: string;
  exports: object;
}

interface LoadingModule {
  loaded: boolean;
  exports: unknown;
}

interface Loader {
  _cache: Record<string, LoadingModule>;
  _resolveFilename: unknown;
}

export interface ModuleListener {
  /** Packages, and entries of theirs, that are told of once a copy is loaded; `isLate`: it may have been in use before. */
  readonly names: readonly string[];
  onLoaded(copy: Copy, isLate: boolean): void;
  /** Packages of which it is enough to know that they are loaded, each copy once. */
  readonly others: { has(name: string): boolean };
  onMet(found: Pick<Manifest, 'name' | 'version'>): void;
  /** Before a CommonJS module loads Node's `http` or `https`. */
  onHttp(): void;
  /** Before any CommonJS module is loaded. */
  onAny(): void;
}

/** What came past the resolution. */
export interface Modules {
  /** Looks through all that is loaded. */
  scan(): void;
  /** Tells of what another loader has loaded: its file, and the module, whose exports may be replaced. */
  loaded(file: string, module: Loaded<unknown>): void;
}

export function watchModules(listener: ModuleListener): Modules {
  const watch = new ModuleWatch(listener);
  watch.attach();
  guarded(PART, () => watch.scan());
  return {
    scan: () => guarded(PART, () => watch.scan()),
    loaded: (file, module) => guarded(PART, () => watch.loaded(file, module)),
  };
}

class ModuleWatch {
  readonly #listener: ModuleListener;
  readonly #loader = Module as unknown as Loader;
  /** Names of the packages that have a file to be told of. */
  readonly #packages: ReadonlySet<string>;
  readonly #seen: WeakSet<object> = new WeakSet();
  /** Folders of packages that were told of, and files that were looked at in the list. */
  readonly #met: Set<string> = new Set();
  readonly #scanned: Set<string> = new Set();
  #ours: unknown = null;

  constructor(listener: ModuleListener) {
    this.#listener = listener;
    this.#packages = new Set(listener.names.map(packageIn));
  }

  attach(): void {
    around<object, string>(PART, Module, '_resolveFilename', {
      before: (_, request) => request as string,
      after: (_, file: string, request = '') => this.#resolved(file, request),
    });
    this.#ours = this.#loader._resolveFilename;
  }

  /** Whatever is loaded already. */
  scan(): void {
    const { others } = this.#listener;
    for (const file of Object.keys(this.#loader._cache)) {
      if (this.#scanned.has(file)) continue;
      this.#scanned.add(file);
      const name = installedName(file);
      if (name === null || !(this.#packages.has(name) || others.has(name))) continue;
      if (this.#met.has(folderOf(file))) continue;
      if (this.#packages.has(name)) this.#examine(file, true);
      else this.#meet(file, name);
    }
  }

  loaded(file: string, module: Loaded<unknown>): void {
    const library = (module.isNamed || this.#isMentioned(file)) && libraryOf(file);
    if (!library || !this.#listener.names.includes(library.id)) return;
    tellOf(file, module, () => this.#tell(module, library, false));
  }

  /** For each `require`, so that nearly all of them are done with after a look for the name of the package. */
  #resolved(file: string, request: string): void {
    this.#listener.onAny();
    const installed = installedName(file);
    if (installed === null) this.#resolvedElsewhere(file, request);
    // a link's folder may be named otherwise
    else if (!this.#resolvedIn(installed, file)) this.#resolvedIn(packageIn(request), file);
  }

  #resolvedIn(name: string, file: string): boolean {
    const isWatched = this.#packages.has(name);
    if (isWatched) this.#examine(file, false);
    else if (this.#listener.others.has(name)) this.#meet(file, name);
    else return false;
    return true;
  }

  /** Node's own, the program's own, and packages that are linked, which lie anywhere. */
  #resolvedElsewhere(file: string, request: string): void {
    if (HTTP.has(file)) this.#listener.onHttp();
    else if (!path.isAbsolute(file)) return;
    else if (this.#isMentioned(request) || this.#isMentioned(file)) this.#examine(file, false);
    else if (IS_PNP.test(file)) this.#whenLoaded(file, () => this.#attachAgain());
    else if (!request.startsWith('.') && !path.isAbsolute(request)) this.#resolvedIn(packageIn(request), file);
  }

  /** Whether a package that has a file to be told of is named in a path. */
  #isMentioned(text: string): boolean {
    const parts = text.replaceAll('\\', '/').split('/');
    return parts.some((part, at) => this.#packages.has(part.startsWith('@') ? `${part}/${parts[at + 1]}` : part));
  }

  /** Whoever replaced the resolution calls ours no more. */
  #attachAgain(): void {
    if (this.#loader._resolveFilename !== this.#ours) this.attach();
    this.scan();
  }

  #meet(file: string, name: string): void {
    const folder = folderOf(file);
    if (this.#met.has(folder)) return;
    this.#whenBegun(file, () => {
      if (this.#met.has(folder)) return;
      this.#met.add(folder);
      this.#listener.onMet({ name, version: manifestOf(file)?.version ?? '?' });
    });
  }

  #examine(file: string, isLate: boolean): void {
    const library = libraryOf(file);
    if (library && this.#listener.names.includes(library.id)) {
      this.#whenLoaded(file, (module) => this.#tell(module, library, isLate));
    }
  }

  #tell({ exports }: Pick<LoadingModule, 'exports'>, library: Omit<Copy, 'exports'>, isLate: boolean): void {
    const isObject = (typeof exports === 'object' && exports !== null) || typeof exports === 'function';
    if (!isObject || this.#seen.has(exports as object)) return;
    this.#seen.add(exports as object);
    this.#met.add(installedAs(library.file)?.folder ?? library.file);
    this.#listener.onLoaded({ ...library, exports: exports as object }, isLate);
  }

  /** That a name is resolved does not mean that it is loaded. */
  #whenBegun(file: string, told: (module: LoadingModule) => void): void {
    const cache = this.#loader._cache;
    if (cache[file]) told(cache[file]);
    else onceSet(cache, file, (module) => guarded(PART, () => told(module)));
  }

  #whenLoaded(file: string, told: (module: LoadingModule) => void): void {
    this.#whenBegun(file, (module) => {
      // in a cycle it is loading already
      if (module.loaded) told(module);
      else onceSet(module, 'loaded', (isLoaded) => isLoaded && guarded(PART, () => told(module)));
    });
  }
}

/** Tells when `owner[key]`, which may not be there yet, is next set; it is an ordinary property again from then on. */
function onceSet<T extends object, K extends keyof T & string>(owner: T, key: K, told: (value: T[K]) => unknown): void {
  const before = owner[key];
  const enumerable = Object.hasOwn(owner, key);
  const set = (value: T[K]): void => {
    Object.defineProperty(owner, key, { value, configurable: true, enumerable: true, writable: true });
    told(value);
  };
  Object.defineProperty(owner, key, { get: () => before, set, configurable: true, enumerable });
}

/** What another loader has loaded from `file`. */
export function copyOf(file: string, exports: object): Copy | null {
  const library = libraryOf(file);
  return library && { ...library, exports };
}

/** The package that `file` is of. */
function libraryOf(file: string): Omit<Copy, 'exports'> | null {
  const manifest = manifestOf(file);
  if (!manifest) return null;
  const { name, version, folder } = manifest;
  const main = path.resolve(folder, manifest.main);
  const isMain = file === main || file === `${main}.js` || file === path.join(main, 'index.js');
  const id = isMain ? name : `${name}/${path.relative(folder, file).replaceAll('\\', '/')}`;
  return { name, id, version, folder: folder + path.sep, file };
}

/** Of its package, as far as that is known without a look into it. */
function folderOf(file: string): string {
  return installedAs(file)?.folder ?? path.dirname(file);
}
