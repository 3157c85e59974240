/**
 * Preloaded into a program that does not end, after the probe: loads why-is-node-running, and writes down what it says
 * once it is asked. Asked it is by a file, since a signal or a socket might mean something to the program.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { ANSWER, ASKED, FOLDER, PACKAGE } from './places.ts';

const EVERY_MS = 100;

type Why = (logger: { error(line: string): void }) => void;

const folder = process.env[FOLDER];
if (folder !== undefined && isMainThread) {
  const why = await load();
  const timer = setInterval(() => {
    if (!existsSync(path.join(folder, ASKED))) return;
    clearInterval(timer);
    const lines: string[] = [];
    why({ error: (line) => lines.push(line) });
    writeFileSync(path.join(folder, `${process.pid}${ANSWER}`), lines.join('\n'));
  }, EVERY_MS);
  timer.unref();
}

/** The project's own copy, or ours. Version 2 is CommonJS. */
async function load(): Promise<Why> {
  const own = createRequire(path.join(process.cwd(), 'package.json'));
  const found = resolved(own) ?? createRequire(import.meta.url).resolve(PACKAGE);
  const { default: why } = (await import(pathToFileURL(found).href)) as { default: Why };
  return why;
}

function resolved(from: NodeJS.Require): string | null {
  try {
    return from.resolve(PACKAGE);
  } catch {
    return null;
  }
}
