/**
 * `node remove-after.js PID FOLDER`: removes the folder once that process has ended, however it ended. A test runner that
 * starts workers runs no code of the guard's itself, and each worker may be the last; a process that is killed runs none.
 */
import { rmSync } from 'node:fs';

const LOOK_MS = 100;

const [pid, folder] = [Number(process.argv[2]), process.argv[3] ?? ''];

const look = setInterval(() => {
  if (isAlive()) return;
  clearInterval(look);
  // a worker may still be writing into it
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}, LOOK_MS);

function isAlive(): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
