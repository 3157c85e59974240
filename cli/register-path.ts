import { fileURLToPath } from 'node:url';
import { parseOptions } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const HELP = `Usage: outlive register-path

Prints the absolute path of the preload, for places where NODE_OPTIONS is set by hand:

  NODE_OPTIONS="--require $(npx outlive register-path)" npm start
`;

export const registerPath: string = fileURLToPath(new URL('../probe/register.js', import.meta.url));

export async function main(args: readonly string[]): Promise<number> {
  if (parseOptions('register-path', args, {}) === null) return printHelp(HELP);
  process.stdout.write(`${registerPath}\n`);
  return EXIT_CLEAN;
}
