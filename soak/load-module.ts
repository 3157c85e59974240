/** A module of the user's: a script that drives a soak, or a scenario. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../user-error.ts';

/** TypeScript where this Node.js strips types. Throws `UserError`, or what the module throws. */
export async function loadModule(file: string): Promise<Record<string, unknown>> {
  const full = path.resolve(file);
  if (!existsSync(full)) throw new UserError(`There is no file ${file}.`);
  try {
    return await import(pathToFileURL(full).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new UserError(`Node.js ${process.versions.node} cannot load ${file}: TypeScript needs 22.18 or later.`);
  }
}
