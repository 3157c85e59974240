/**
 * The process that outlives us to clean up after us. It holds one end of a pipe whose other end only this process
 * has; when that closes, by whatever death, it stops the server and removes the folder. It is the server's parent, so
 * it never signals a stranger, and it leads a session of its own, so Ctrl-C at our terminal does not reach it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { User } from './binaries.ts';

// Descriptor 3 is the pipe from the owner: its first line says where the binaries are, its end that all is over.
// Descriptor 1 leads back to the owner: in the end only the server holds it, so its end says that the server is gone.
// SIGQUIT, immediate shutdown, is repeated because a shell starts background commands with that signal ignored: it
// counts once postgres has its own handlers.
const script = `
trap '' HUP INT TERM
folder=$1; shift
server=
if IFS= read -r bin <&3 && "$bin/initdb" -D "$folder/data" --username=outlive --pwfile="$folder/password" --no-sync \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C </dev/null >"$folder/log" 2>&1 3<&-; then
  "$bin/postgres" -D "$folder/data" "$@" </dev/null 2>>"$folder/log" 3<&- &
  server=$!
fi
exec >&-
read -r _ <&3
if [ -n "$server" ]; then
  while kill -QUIT "$server" 2>/dev/null; do sleep 0.1; done
fi
cd / && rm -rf "$folder"
`;

export interface Guard {
  /** Initialises and starts the server with the programs in the folder `bin`. */
  start(bin: string): void;
  /** Whether the server, or its initialisation, has come to an end. */
  readonly serverGone: boolean;
  /** Stops the server, removes the folder, and resolves when both is done. */
  stop(): Promise<void>;
}

/** Guards `folder` from when it resolves, as `user`. `settings` are arguments of `postgres`. */
export async function guardFolder(folder: string, settings: string[], user: User | null): Promise<Guard> {
  const child = spawn('/bin/sh', ['-c', script, 'outlive-guard', folder, ...settings], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    ...user,
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let serverGone = false;
  const status = child.stdio[1] as Socket;
  status
    .once('close', () => {
      serverGone = true;
    })
    .resume();
  const pipe = child.stdio[3] as Socket;
  pipe.on('error', () => {}); // the guard was killed: stop() still resolves, the next start sweeps the folder
  await once(child, 'spawn');
  // A program that forgets its database still ends by itself.
  for (const handle of [child, pipe, status]) handle.unref();

  return {
    start: (bin) => void pipe.write(`${bin}\n`),
    get serverGone() {
      return serverGone;
    },
    stop() {
      child.ref();
      pipe.destroy();
      return gone;
    },
  };
}
