/** A small project in a folder of its own: programs, and packages that are not what their names say. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './probed.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Files by their path, relative to the project; real packages that are linked into it. */
export function project(files: Record<string, string>, packages: readonly string[] = []) {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const name of packages) {
    mkdirSync(path.join(folder.path, 'node_modules'), { recursive: true });
    symlinkSync(path.join(ROOT, 'node_modules', name), path.join(folder.path, 'node_modules', name));
  }
  return { ...folder, file: (name: string) => path.join(folder.path, name) };
}

/** A package of one file, as `project` takes it. */
export function fakePackage(name: string, version: string, text: string, type = 'commonjs'): Record<string, string> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({ name, version, type, main: 'index.js' }),
    [`node_modules/${name}/index.js`]: text,
  };
}
