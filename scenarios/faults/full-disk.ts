/** A disk that is full: a tablespace on a small file system of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openSession } from '../../pipeline/store/database.ts';
import { UserError } from '../../user-error.ts';

const run = promisify(execFile);

export interface FullDisk {
  /** Of the tablespace: `alter table … set tablespace NAME`. */
  tablespace: string;
  /** Somebody has made room. */
  enlarge(megabytes: number): Promise<void>;
  /** Removes it; no table may be in it any more. */
  end(): Promise<void>;
}

/**
 * For a PostgreSQL on this machine. Throws `UserError` where no file system can be mounted: that takes root, and a
 * container that lets it.
 */
export async function smallDisk(url: string, megabytes: number): Promise<FullDisk> {
  const session = await openSession(url, 10_000);
  const folder = await mkdtemp(join(tmpdir(), 'outlive-small-disk-'));
  const tablespace = folder.split('/').at(-1)!.toLowerCase().replaceAll('-', '_');
  try {
    const [row] = await session.query<{ folder: string }>("select current_setting('data_directory') as folder");
    const { uid, gid } = await stat(row!.folder);
    const options = `size=${megabytes}m,mode=700,uid=${uid},gid=${gid}`;
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  } catch (error) {
    await Promise.all([session.end(), rmdir(folder)]);
    throw new UserError(`The fault "full disk" needs the right to mount a file system: ${reason(error)}.`);
  }
  const unmount = async () => {
    await run('umount', ['-l', folder]);
    await rmdir(folder);
  };
  try {
    await session.execute(`create tablespace ${tablespace} location '${folder}'`);
  } catch (error) {
    await Promise.all([session.end(), unmount()]);
    throw error;
  }
  return {
    tablespace,
    enlarge: async (size) => {
      await run('mount', ['-o', `remount,size=${size}m`, folder]);
    },
    end: async () => {
      try {
        await session.execute(`drop tablespace ${tablespace}`);
      } finally {
        await Promise.all([session.end(), unmount()]);
      }
    },
  };
}

function reason(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  return (stderr || message).trim().split('\n')[0]!.replace(/\.$/, '');
}
