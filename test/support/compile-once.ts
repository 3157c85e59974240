/** For tests that start programs in TypeScript many times: Node.js strips and compiles each file once. */
import path from 'node:path';

process.env.NODE_COMPILE_CACHE = path.join(import.meta.dirname, '../../node_modules/.cache/compiled');
