/**
 * Sees the texts that loaders compile in memory, for their inline maps. Nothing of it is on the stack while such a text
 * runs, but for modules that a loader compiles: `Module.prototype._compile` is replaced only once there is one.
 */
import Module from 'node:module';
import vm from 'node:vm';
import type { Scripts } from '../account/scripts.ts';
import { around } from '../process/around.ts';
import { disguise } from '../process/disguise.ts';
import { guarded } from '../process/lapses.ts';
import type { Beneath } from './libraries.ts';

const PART = 'compilers';
/** A loader puts itself in the place of these. */
const EXTENSIONS = ['.js', '.ts', '.tsx', '.jsx', '.mjs', '.mts', '.cjs', '.cts'];

interface Loader {
  _extensions: Record<string, unknown>;
  prototype: object;
}

type Construct = (...args: unknown[]) => object;

/** Returns what is to be called before any module is loaded. */
export function watchCompilers(scripts: Scripts): () => void {
  watchScripts(scripts);
  around<object>(PART, vm, 'compileFunction', {
    call(method, self, args) {
      guarded(PART, note, scripts, args[0], args[2]);
      return Reflect.apply(method, self, args);
    },
  });
  return loaderWatch(scripts);
}

/** By package: what is told of each copy of it that is loaded. */
export function mapSupport(scripts: Scripts): Beneath {
  const told = (exports: object): void => scripts.support(exports);
  return { 'source-map-support': told, '@cspotcode/source-map-support': told };
}

/** swc-node, ts-node, sucrase, @babel/register…: known by the extensions that they take. */
function loaderWatch(scripts: Scripts): () => void {
  const loader = Module as unknown as Loader;
  const own = EXTENSIONS.map((extension) => loader._extensions[extension]);
  let isWatched = false;
  const look = (): void => {
    if (isWatched || EXTENSIONS.every((extension, i) => loader._extensions[extension] === own[i])) return;
    isWatched = true;
    around<object>(PART, loader.prototype, '_compile', {
      before: (_, text, file) => note(scripts, text, file),
    });
  };
  return () => guarded(PART, look);
}

/**
 * `vm.Script` and all that Node makes of it (`runInContext`…) construct what V8 calls ContextifyScript, as its parent
 * class: in whose place another one is asked first. The class itself stays what it was.
 */
function watchScripts(scripts: Scripts): void {
  const parent = Object.getPrototypeOf(vm.Script) as Construct & { prototype: object };
  if (parent === Function.prototype) return;
  const stand = function stand(this: unknown, ...args: unknown[]): object {
    const [text, file, line, column] = args;
    guarded(PART, noteAt, scripts, text, file, [line, column]);
    return Reflect.construct(parent, args, new.target ?? stand) as object;
  };
  guarded(PART, () => Object.setPrototypeOf(vm.Script, disguise(stand, parent)));
}

/** `options`: the file, or what `vm` takes. */
function note(scripts: Scripts, text: unknown, options: unknown): void {
  const asObject = typeof options === 'string' ? { filename: options } : (options ?? {});
  const { filename, lineOffset, columnOffset } = asObject as Record<string, unknown>;
  noteAt(scripts, text, filename, [lineOffset, columnOffset]);
}

function noteAt(scripts: Scripts, text: unknown, file: unknown, [line, column]: readonly unknown[]): void {
  if (typeof text !== 'string' || typeof file !== 'string') return;
  scripts.compiled(file, text, Number(line ?? 0), Number(column ?? 0));
}
