/** A module of the user's: a script that drives a soak, or a scenario. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { mask } from '../probe/recording/mask.ts';
import { UserError } from '../user-error.ts';

/** Of a frame of a stack, without folders. */
const PLACE = /[^/\\\s(]+\.[cm]?[jt]s:\d+/;

/** TypeScript where this Node.js strips types. Throws `UserError`, and what `import` says of a package that is missing. */
export async function loadModule(file: string): Promise<Record<string, unknown>> {
  const full = path.resolve(file);
  if (!existsSync(full)) throw new UserError(`There is no file ${file}.`);
  try {
    return await import(pathToFileURL(full).href);
  } catch (error) {
    const { code, message = String(error), stack } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
    if (error instanceof UserError || /^Cannot find package/.test(message)) throw error;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
      throw new UserError(`Node.js ${process.versions.node} cannot load ${file}: TypeScript needs 22.18 or later.`);
    const [line = ''] = message.split('\n');
    const [place] = PLACE.exec(stack ?? '') ?? [];
    throw new UserError(`${file} cannot be loaded: ${mask(line, 300)}${place ? ` (${place})` : ''}.`);
  }
}
