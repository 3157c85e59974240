/** Which lines of a recording must not be lost: enough to begin it anew when its file is gone or the disk was full. */
import type { Line } from './format.ts';

let adapters = 0;

/** Lines of equal key: the latest stands for all. Null: lost with the file, as samples and runs are. */
export function keyOf(line: Line): string | null {
  switch (line.t) {
    case 'sample':
    case 'run':
    case 'held':
    case 'gc':
      return null;
    case 'round':
      return `round ${line.round}`;
    case 'adapter':
      // copies of one library say the same
      return `adapter ${++adapters}`;
    case 'unsupported':
      return `unsupported ${line.what}`;
    case 'site':
    case 'pool':
      return `${line.t} ${line.id}`;
    case 'started':
      return `started ${line.pid} ${line.thread}`;
    case 'notice':
      return `notice ${line.library} ${line.pool} ${line.name}`;
    // also the end of a finding: the line that it stood on may have been written before
    case 'finding':
    case 'withdrawn':
      return `finding ${line.key}`;
    default:
      return line.t;
  }
}
