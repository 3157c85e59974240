/** What a project is made of, from its files alone: nothing of it is run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../user-error.ts';

export interface Manifest {
  name?: string;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  jest?: Record<string, unknown>;
  mocha?: Record<string, unknown>;
  workspaces?: string[] | { packages?: string[] };
}

export type RunnerName = 'node:test' | 'Vitest' | 'Jest' | 'Mocha';

export interface Project {
  folder: string;
  manifest: Manifest;
  /** Names of the files beside package.json. */
  files: string[];
  runners: RunnerName[];
  frameworks: string[];
}

const FRAMEWORKS = ['express', 'fastify', 'koa', '@nestjs/core', 'next', '@hapi/hapi', 'hono'];

/** Files by which a runner is configured. */
export const CONFIGURATIONS: Readonly<Record<Exclude<RunnerName, 'node:test'>, RegExp>> = {
  Vitest: /^(?:vitest|vite)\.config\.[cm]?[jt]s$/,
  Jest: /^jest\.config\.(?:[cm]?[jt]s|json)$/,
  Mocha: /^\.mocharc\.(?:[cm]?js|jsonc?|ya?ml)$/,
};
const PACKAGES: Readonly<Record<Exclude<RunnerName, 'node:test'>, string>> = {
  Vitest: 'vitest',
  Jest: 'jest',
  Mocha: 'mocha',
};
/** `node --test`, with whatever is between. */
export const NODE_TEST = /\bnode\b[^&|;]*?\s--test(?=\s|$)/;

/** Throws `UserError` where there is no project. */
export function lookAt(folder: string): Project {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file)) throw new UserError(`There is no package.json in ${folder}; go to the root of your project.`);
  const manifest = readManifest(file);
  const files = readdirSync(folder);
  const scripts = Object.values(manifest.scripts ?? {});
  const names = dependenciesOf(manifest);
  const configured = (Object.keys(PACKAGES) as (keyof typeof PACKAGES)[]).filter((runner) => {
    const isNamed = files.some((name) => CONFIGURATIONS[runner].test(name) && !name.startsWith('vite.'));
    return names.includes(PACKAGES[runner]) || isNamed;
  });
  const usesNode = scripts.some((script) => NODE_TEST.test(script));
  return {
    ...{ folder, manifest, files },
    runners: [...(usesNode ? (['node:test'] as const) : []), ...configured],
    frameworks: FRAMEWORKS.filter((name) => names.includes(name)),
  };
}

/** Folders of its packages that have tests, relative to it; of patterns those that are a folder, or all in one. */
export function packagesWithTests({ folder, manifest }: Project): string[] {
  const { workspaces = [] } = manifest;
  const patterns = Array.isArray(workspaces) ? workspaces : (workspaces.packages ?? []);
  const folders = patterns.flatMap((pattern) => {
    const parent = pattern.replace(/\/\*+$/, '');
    if (parent === pattern) return [pattern];
    if (!existsSync(path.join(folder, parent))) return [];
    return readdirSync(path.join(folder, parent)).map((name) => path.posix.join(parent, name));
  });
  return folders.filter((name) => {
    const own = path.join(folder, name);
    return existsSync(path.join(own, 'package.json')) && lookAt(own).runners.length > 0;
  });
}

export function dependenciesOf({ dependencies, devDependencies }: Manifest): string[] {
  return Object.keys({ ...dependencies, ...devDependencies });
}

/** Of a package that is installed there; null where it is not. */
export function installedVersion(folder: string, name: string): string | null {
  for (let at = folder; ; at = path.dirname(at)) {
    const file = path.join(at, 'node_modules', name, 'package.json');
    if (existsSync(file)) return (readManifest(file) as { version?: string }).version ?? null;
    if (at === path.dirname(at)) return null;
  }
}

function readManifest(file: string): Manifest {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch {
    throw new UserError(`${file} is no JSON.`);
  }
}
