#!/usr/bin/env node
/** The `outlive` command: finds the subcommand, turns what it throws into a sentence and an exit code. */
import { UserError } from '../user-error.ts';
import { EXIT_CLEAN, EXIT_WRONG_USE, explain, printHelp } from './usage.ts';

interface Subcommand {
  main(args: readonly string[]): Promise<number>;
}

const SUBCOMMANDS: Record<string, { help: string; load: () => Promise<Subcommand> }> = {
  run: { help: 'watch a program, and report when it ends', load: () => import('./run.ts') },
  attach: { help: 'ask a process that runs already, and leave it as it was', load: () => import('./attach.ts') },
  watch: { help: 'see live what processes under the probe record', load: () => import('./watch.ts') },
  soak: {
    help: 'give a service load and find what it leaks, or replay a known incident',
    load: () => import('./soak.ts'),
  },
  scenarios: { help: 'list the incidents that soak can replay', load: () => import('./scenarios.ts') },
  report: { help: 'turn recordings into one HTML file', load: () => import('./report.ts') },
  mcp: { help: 'answer a language model about recordings (MCP over stdio)', load: () => import('./mcp.ts') },
  heap: { help: 'compare two heap snapshots: what grew, and who holds it', load: () => import('./heap.ts') },
  candidates: { help: 'list where sources may lose what they acquire', load: () => import('./candidates.ts') },
  size: { help: 'how many connections a database serves best', load: () => import('./size.ts') },
  'oracle-standin': {
    help: 'run a test stand-in for an Oracle database',
    load: () => import('./oracle-standin.ts'),
  },
  init: { help: 'make the tests of a project fail when they leak', load: () => import('./init.ts') },
  doctor: { help: 'say what is watched in a project, and what is not', load: () => import('./doctor.ts') },
  'register-path': { help: 'print the path to preload with node --require', load: () => import('./register-path.ts') },
};

const HELP = `outlive finds what outlives its job in a Node.js service: connections borrowed and never given back,
timers nobody owns any more. It names the line that took them.

Usage: outlive <command> [options]

${Object.entries(SUBCOMMANDS)
  .map(([name, { help }]) => `  ${name.padEnd(14)} ${help}`)
  .join('\n')}

Begin with:  outlive run -- node server.js
Then:        outlive <command> --help
`;

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    printHelp(HELP);
    return name === undefined ? EXIT_WRONG_USE : EXIT_CLEAN;
  }
  if (name === '--version' || name === '-v') {
    const { createRequire } = await import('node:module');
    process.stdout.write(`${createRequire(import.meta.url)('outlive/package.json').version}\n`);
    return EXIT_CLEAN;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (!subcommand) {
    throw new UserError(`outlive has no command "${name}"; it has ${Object.keys(SUBCOMMANDS).join(', ')}.`);
  }
  return (await subcommand.load()).main(args);
}

/** What a module of the user's left running, such as a server, holds a refusal up no longer. */
const LINGER_MS = 2000;

// of what nobody reads any more, as behind head, the beginning was wanted; the work itself goes on
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') setImmediate(() => process.exit());
  else refuse(error);
});
process.stderr.on('error', () => {});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  refuse(error);
}

function refuse(error: unknown): void {
  const sentence = explain(error, process.argv[2]);
  if (sentence === null) throw error;
  process.stderr.write(`outlive: ${sentence}\n`);
  process.exitCode = EXIT_WRONG_USE;
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
