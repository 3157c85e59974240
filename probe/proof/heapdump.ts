/**
 * The `heapdump` package where the service has it installed, built for this Node.js. Loading it takes SIGUSR2 for its own
 * snapshots; here it does not, and a service that loads it later gets it as if it were the first.
 */
import { createRequire } from 'node:module';
import path from 'node:path';

/** False where it could not be written. */
type WriteSnapshot = (file: string) => boolean;

/** Null where it is not installed, or built for another Node.js. */
export function findHeapdump(): WriteSnapshot | null {
  for (const from of [process.argv[1], path.join(process.cwd(), 'outlive.js')]) {
    try {
      if (from !== undefined) return load(createRequire(path.resolve(from)));
    } catch {
      // neither beside the program nor where it runs
    }
  }
  return null;
}

function load(require: NodeJS.Require): WriteSnapshot {
  const file = require.resolve('heapdump');
  if (require.cache[file] !== undefined) return require(file).writeSnapshot;
  const { NODE_HEAPDUMP_OPTIONS: before } = process.env;
  process.env.NODE_HEAPDUMP_OPTIONS = 'nosignal';
  try {
    return require(file).writeSnapshot;
  } finally {
    if (before === undefined) delete process.env.NODE_HEAPDUMP_OPTIONS;
    else process.env.NODE_HEAPDUMP_OPTIONS = before;
    // its addon stays: it can be loaded once only
    delete require.cache[file];
  }
}
