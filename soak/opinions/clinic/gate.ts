/** The command of `clinic --on-port`: waits until the load is over, which is when the file it is given is gone. */
import { existsSync } from 'node:fs';

const [, , file] = process.argv;
if (file !== undefined) {
  const timer = setInterval(() => {
    if (!existsSync(file)) clearInterval(timer);
  }, 50);
}
