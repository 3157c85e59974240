/** Who called what makes a handle: the service's own code, a library for itself, or Node. */
import type { Site } from '../../account/site.ts';
import type { Desk } from '../desk.ts';
import { installedAs } from '../packages.ts';
import { poolLibraries } from '../unwatched/known-libraries.ts';

/** Some code of the service's is on the stack. */
export function isOfUser({ stack, user }: Site): boolean {
  return user.some((index) => stack[index]?.user);
}

/** Made by a library that keeps connections for itself, whether or not an adapter watches it. */
export function isOfPool(site: Site, desk: Desk): boolean {
  if (desk.isOfLibrary(site)) return true;
  const caller = site.stack.find(({ file }) => !file.startsWith('node:'));
  const installed = caller && installedAs(caller.file);
  return installed != null && poolLibraries.has(installed.name);
}
