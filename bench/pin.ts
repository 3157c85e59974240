/**
 * Keeps what is measured on one CPU and everything else on the others, where Linux's `taskset` is there to do it: which
 * of them shares a cache with the driver or the database is then the same in every slice.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** With one CPU there is nothing to keep apart. */
const LAST = availableParallelism() - 1;

export function pinDriver(): void {
  pin(process.pid, `1-${LAST}`);
}

export function pinSubject(pid: number | undefined): void {
  if (pid !== undefined) pin(pid, '0');
}

function pin(pid: number, cpus: string): void {
  if (LAST > 0) spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cpus, String(pid)], { stdio: 'ignore' });
}
