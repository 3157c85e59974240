/** The sources that somebody wrote in a folder: nothing installed, built or hidden. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../user-error.ts';

const LEFT_OUT = new Set(['node_modules', 'bower_components', 'dist', 'build', 'out', 'coverage', 'vendor']);
const LANGUAGES = /\.[cm]?[jt]sx?$/;
/** Of those, what somebody wrote. */
const SOURCE = /(?<!\.d|\.min)\.[cm]?[jt]sx?$/;

/** Sorted paths; a file stands for itself. Throws `UserError` where there is nothing. */
export function sourcesIn(place: string): string[] {
  if (!existsSync(place)) throw new UserError(`There is no folder ${place}.`);
  if (statSync(place).isFile()) {
    if (LANGUAGES.test(place)) return [place];
    throw new UserError(
      `${place} is not a source of JavaScript or TypeScript (.js, .mjs, .cjs, .jsx, .ts, .mts, .cts, .tsx).`,
    );
  }
  return readdirSync(place, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const full = path.join(place, entry.name);
      // a link may lead back to where it lies
      if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : sourcesIn(full);
      return entry.isFile() && SOURCE.test(entry.name) ? [full] : [];
    });
}
