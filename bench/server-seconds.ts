/** What a private PostgreSQL has cost so far. */
import { readdirSync, readFileSync } from 'node:fs';
import type { EmbeddedPostgres } from '../pipeline/store/embedded.ts';

/** CPU seconds of the server and its children, the ended ones too. */
export function serverSeconds({ dataDirectory }: EmbeddedPostgres): number {
  const master = readFileSync(`${dataDirectory}/postmaster.pid`, 'utf8').split('\n')[0];
  let ticks = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [, parent, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (pid !== master && parent !== master) continue;
      const own = Number(fields[9]) + Number(fields[10]);
      ticks += own + (pid === master ? Number(fields[11]) + Number(fields[12]) : 0);
    } catch {} // it has ended meanwhile
  }
  return ticks / 100;
}
