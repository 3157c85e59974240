/**
 * Ends a program that was started for a soak when the soak itself is killed. It holds one end of a pipe whose other end
 * only we have: when that closes, by whatever death, and nobody said that all is over, the program's processes go, and
 * the door that they came to.
 */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { DOOR } from '../door-folder.ts';

// Descriptor 3 is the pipe: its first line is the group to end, a second one says that it has ended by itself. Without a
// group the first line says so. The argument is the folder of the door, or empty.
const SCRIPT = `
trap '' HUP INT TERM
folder=$1
leave() {
  [ -z "$folder" ] || { rm -f "$folder/${DOOR}"; rmdir "$folder"; } 2>/dev/null
  exit 0
}
IFS= read -r group <&3 || leave
[ "$group" != over ] || exit 0
IFS= read -r _ <&3 && exit 0
kill -TERM "-$group" 2>/dev/null || leave
n=0
while [ $n -lt 50 ]; do kill -0 "-$group" 2>/dev/null || leave; sleep 0.1; n=$((n + 1)); done
kill -KILL "-$group" 2>/dev/null
leave
`;

export interface ProgramGuard {
  /** To be ended as well; none where the program ends itself without us. */
  watch(group: number): void;
  /** The program has ended. */
  release(): void;
}

/** `doorFolder` is null without a door. There is no guard on Windows, where processes have no groups. */
export function startGuard(doorFolder: string | null): ProgramGuard {
  if (process.platform === 'win32') return { watch: () => {}, release: () => {} };
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', doorFolder ?? ''], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  child.on('error', () => {});
  const pipe = child.stdio[3] as Writable;
  pipe.on('error', () => {});
  child.unref();
  return {
    watch: (group) => void pipe.write(`${group}\n`),
    release: () => void pipe.end('over\n'),
  };
}
