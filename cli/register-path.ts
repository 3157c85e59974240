import { fileURLToPath } from 'node:url';
import { EXIT_CLEAN, parseOptions } from './usage.ts';

const HELP = `Usage: outlive register-path

Prints the absolute path of the preload, for places where NODE_OPTIONS is set by hand:

  NODE_OPTIONS="--require $(npx outlive register-path)" npm start
`;

export const registerPath: string = fileURLToPath(new URL('../probe/register.js', import.meta.url));

export async function main(args: readonly string[]): Promise<number> {
  const values = parseOptions('register-path', args, { help: { type: 'boolean', short: 'h' } });
  process.stdout.write(values.help ? HELP : `${registerPath}\n`);
  return EXIT_CLEAN;
}
