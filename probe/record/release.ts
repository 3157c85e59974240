/** Which release of the service runs: what `OUTLIVE_RELEASE` says, or the version of the package that the program is of. */
import path from 'node:path';
import { exists, readFileSync } from '../process/runtime.ts';
import { mask } from '../recording/mask.ts';

const LONGEST = 100;
const VERSION = '\n  "version": "';

/** Null: nobody says. */
export function releaseOf(given: string, program: string | undefined): string | null {
  if (given) return mask(given.slice(0, LONGEST));
  // a runner's version is not the service's
  const isInstalled = program?.split(path.sep).includes('node_modules') === true;
  let folder = program === undefined || isInstalled ? process.cwd() : path.dirname(path.resolve(program));
  for (;;) {
    const found = versionIn(folder);
    if (found !== undefined) return found;
    const parent = path.dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/** Undefined: there is no package there. */
function versionIn(folder: string): string | null | undefined {
  const file = path.join(folder, 'package.json');
  if (!exists(file)) return undefined;
  try {
    const { version } = manifestIn(readFileSync(file, 'utf8'));
    return typeof version === 'string' ? mask(version.slice(0, LONGEST)) : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === undefined ? null : undefined;
  }
}

/** As npm writes it, of which the rest need not be parsed; else whole. What stands before the first object in it is the package's own. */
function manifestIn(text: string): { version?: unknown } {
  const at = text.indexOf(VERSION);
  const isOwn = at > 0 && text.startsWith('{') && text.lastIndexOf('{', at) === 0;
  const line = isOwn ? text.slice(at, text.indexOf('\n', at + 1)) : '';
  return JSON.parse(line.endsWith('",') ? `{${line.slice(0, -1)}}` : text) as { version?: unknown };
}
