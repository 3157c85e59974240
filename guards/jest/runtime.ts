/** Jest's own loader of modules: which libraries it loads, and from where its code was made. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { ADAPTERS } from '../../probe/adapters.ts';
import type { Frame, Guard } from '../core.ts';
import type { Original } from '../finding.ts';

export interface Runtime {
  requireModule(from: string, name?: string, ...rest: unknown[]): unknown;
  /** The file of the map of each file that it has transformed. */
  getSourceMaps(): Map<string, string> | null;
}

const WATCHED: ReadonlySet<string> = new Set(
  ADAPTERS.flatMap(({ of }) => ('packages' in of ? of.packages.map(({ name }) => name) : [])),
);

/** Tells the guard of each library that is loaded from now on; returns how to find what was written. */
export function watchRuntime(guard: Guard, runtime: Runtime): Original {
  const { requireModule } = runtime;
  /** What it exports since it was told of. */
  const told = new WeakMap<object, unknown>();
  runtime.requireModule = function guarded(this: Runtime, from, name, ...rest) {
    const exports: unknown = Reflect.apply(requireModule, this, [from, name, ...rest]);
    if (!isObject(exports)) return exports;
    if (told.has(exports)) return told.get(exports);
    const file = typeof name === 'string' ? fileOf(from, name) : null;
    if (file === null) return exports;
    const own = (name: string): unknown => Reflect.apply(requireModule, this, [file, name]);
    const isNamed = !path.isAbsolute(name as string);
    const module: { exports: unknown; require: typeof own; isNamed: boolean } = { exports, require: own, isNamed };
    guard.loaded(file, module);
    told.set(exports, module.exports);
    return module.exports;
  };
  return (frame) => original(runtime, frame);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** The file of a library that is watched, as `from` names it; from ES modules Jest asks by file. */
function fileOf(from: string, name: string): string | null {
  if (path.isAbsolute(name)) return name;
  const [, library = '', entry] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.+))?$/.exec(name) ?? [];
  if (!WATCHED.has(library)) return null;
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    const own = path.join(folder, 'node_modules', library);
    const manifest = path.join(own, 'package.json');
    if (existsSync(manifest)) {
      const { main = 'index.js' } = JSON.parse(readFileSync(manifest, 'utf8')) as { main?: string };
      // as stacks name it, where the package is a link
      return path.resolve(realpathSync(own), entry === undefined ? main : entry.replace(/(?<!\.[cm]?js)$/, '.js'));
    }
    if (folder === path.dirname(folder)) return null;
  }
}

function original<P extends Pick<Frame, 'file' | 'line' | 'column'>>(runtime: Runtime, frame: P): P | null {
  try {
    const map = runtime.getSourceMaps()?.get(frame.file);
    if (!map) return null;
    const entry = new SourceMap(JSON.parse(readFileSync(map, 'utf8'))).findEntry(frame.line - 1, frame.column - 1);
    if (!('originalSource' in entry)) return null;
    return { ...frame, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  } catch {
    return null;
  }
}
