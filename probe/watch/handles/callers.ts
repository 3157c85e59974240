/** Who called what makes a handle: the service's own code, a library for itself, or Node. */
import type { Site } from '../../account/site.ts';
import type { Desk } from '../desk.ts';
import { installedAs } from '../packages.ts';
import { isLender, isPoolLibrary } from '../unwatched/known-libraries.ts';

/** Some code of the service's is on the stack. */
export function isOfUser(site: Site | null): site is Site {
  return site?.user.some((index) => site.stack[index]?.user) === true;
}

/** Made by a library that keeps connections for itself, whether or not an adapter watches it; or for a pool, by its factory. */
export function isOfPool(site: Site, desk: Desk): boolean {
  if (desk.isOfLibrary(site)) return true;
  const [caller, ...callers] = site.stack.flatMap(({ file }) => (file.startsWith('node:') ? [] : [nameOf(file)]));
  return isPoolLibrary(caller ?? '') || callers.some(isLender);
}

function nameOf(file: string): string {
  return installedAs(file)?.name ?? '';
}
