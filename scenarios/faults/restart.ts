/** The database crashes and recovers: all sessions are lost, and for a moment new ones are refused. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openSession } from '../../pipeline/store/database.ts';
import { UserError } from '../../user-error.ts';

const RECOVERY_LIMIT_MS = 60_000;

/**
 * Kills one session's process of a local PostgreSQL, after which the server ends all others, recovers from its log and
 * opens again. Resolves when it answers. Throws `UserError` where the server's processes are not ours to kill.
 */
export async function crash(url: string): Promise<void> {
  const session = await openSession(url, 10_000);
  const [row] = await session.query<{ pid: number; port: number }>(
    'select pg_backend_pid() as pid, inet_client_port() as port',
  );
  const { pid, port } = row!;
  // elsewhere another process may have that number
  if (!titleOf(pid).includes(`(${port})`)) {
    await session.end();
    throw new UserError('The fault "restart" needs a PostgreSQL whose processes run on this machine.');
  }
  process.kill(pid, 'SIGKILL');
  await session.end().catch(() => {});
  const deadline = Date.now() + RECOVERY_LIMIT_MS;
  for (;;) {
    try {
      await (await openSession(url, 5000)).end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(50);
  }
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
