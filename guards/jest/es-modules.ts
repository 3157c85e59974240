/**
 * Libraries that are ES modules (postgres, mariadb), in Jest's virtual machines: what Jest is to read of their files is
 * given to it beforehand, with the statement that hands them over. What Jest has no such cache for is not seen.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADAPTERS, type Package } from '../../probe/adapters.ts';
import { type Hand, KEY, withStatement } from '../../probe/watch/es-statement.ts';
import type { Guard } from '../core.ts';

type Cache = Map<string, string>;

/** Where versions of Jest keep what they have read of files. */
export interface Reading {
  _cacheFS?: Cache;
  fileCache?: { strings?: Cache };
}

type EsPackage = Package & { es: NonNullable<Package['es']> };

const PACKAGES: readonly Package[] = ADAPTERS.flatMap(({ of }): readonly Package[] =>
  'packages' in of ? of.packages : [],
);
const ES = PACKAGES.filter((known): known is EsPackage => known.es !== undefined);

/** `from`: the folder that packages are looked for in, and those above it. */
export function watchEsModules(guard: Guard, runtime: Reading, global: object, from: string): void {
  const cache = runtime._cacheFS ?? runtime.fileCache?.strings;
  if (!(cache instanceof Map)) return;
  let isAny = false;
  for (const { name, entry = '', es } of ES) {
    const file = installed(name, entry, from);
    if (file === null) continue;
    isAny = true;
    cache.set(file, withStatement(cache.get(file) ?? readFileSync(file, 'utf8'), es));
  }
  if (!isAny) return;
  const hand: Hand = (url, exports) => {
    guard.loaded(fileURLToPath(url), { exports });
    return exports;
  };
  Object.defineProperty(global, Symbol.for(KEY), { value: hand, configurable: true });
}

/** Null where it is not. */
function installed(name: string, entry: string, from: string): string | null {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'node_modules', name, entry);
    if (existsSync(file)) return realpathSync(file);
    if (folder === path.dirname(folder)) return null;
  }
}
