/** The folder of jobs' modules, as `--modules` names it. */
import { realpathSync, statSync } from 'node:fs';
import { UserError } from '../../user-error.ts';

/** Without links on its way; null: none is given. Throws `UserError` when it is no folder. */
export function modulesFolder(given: string | undefined): string | null {
  if (given === undefined) return null;
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(given);
  throw new UserError(`--modules must be a folder; ${given} is none.`);
}
