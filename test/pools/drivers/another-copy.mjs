/** A second copy of a library in the tree: the folder at COPIES has one, see the test. */
import { createRequire } from 'node:module';
import path from 'node:path';

export function anotherCopy(name) {
  return createRequire(path.join(process.env.COPIES, 'index.js'))(name);
}
