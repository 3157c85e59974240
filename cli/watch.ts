import { readdirSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonLine, newsLines } from '../live/lines.ts';
import { screen } from '../live/screen.ts';
import { serveLive } from '../live/serve.ts';
import { Follower, type View } from '../live/view.ts';
import { ownerOf } from '../probe/recording/owner.ts';
import { UserError } from '../user-error.ts';
import { milliseconds, wholeNumber } from './checks.ts';
import { helpOf, type Options, parse, type Values } from './options.ts';
import { EXIT_CLEAN, printHelp } from './usage.ts';

const OPTIONS = {
  every: { value: 'TIME', check: milliseconds(100), default: '1s', help: 'how often to look' },
  once: { help: 'look once, and end' },
  json: { help: 'a line of JSON for each look, on stdout' },
  web: { value: 'PORT', check: wholeNumber(0, 65_535), help: 'a page on the loopback instead; 0: any free port' },
} as const satisfies Options;

const HELP = `Usage: outlive watch [DIR | PID] [options]

Shows live what processes under the probe record: pools (used, idle, pending), what grows, findings as they come. DIR is
the folder that they write to (default .outlive/latest), PID one of them. Ends with Ctrl+C; the processes go on.

${helpOf(OPTIONS)}

  outlive watch
  outlive watch 4711 --json
  outlive watch .outlive/latest --web 8080
`;

export async function main(args: readonly string[]): Promise<number> {
  const given = parse('watch', args, OPTIONS);
  if (given === null) return printHelp(HELP);
  const { values, positionals } = given;
  const [where = '.outlive/latest', other] = positionals;
  if (other !== undefined) throw new UserError('outlive watch takes one folder or pid.');
  const follower = new Follower(folderOf(where));
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  if (values.web !== undefined) await page(follower, values.web, interrupted.signal);
  else await watch(follower, values, interrupted.signal);
  return EXIT_CLEAN;
}

/** Of a pid: the folder of the recording that it has open. */
function folderOf(where: string): string {
  if (!/^\d+$/.test(where) || statSync(where, { throwIfNoEntry: false })) return where;
  try {
    for (const descriptor of readdirSync(`/proc/${where}/fd`)) {
      const file = readlinkSync(`/proc/${where}/fd/${descriptor}`);
      if (ownerOf(path.basename(file)) !== null) return path.dirname(file);
    }
  } catch {
    throw new UserError(`There is no process ${where} that this user may look at.`);
  }
  throw new UserError(`Process ${where} is not under the probe: outlive attach ${where} asks it all the same.`);
}

async function page(follower: Follower, port: number, signal: AbortSignal): Promise<void> {
  const { url, close } = await serveLive(() => follower.look(), process.cwd(), port);
  process.stderr.write(`${url}\n`);
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  close();
}

async function watch(follower: Follower, { every, once, json }: Values<typeof OPTIONS>, signal: AbortSignal) {
  const { stdout } = process;
  const isScreen = stdout.isTTY && !json && !once;
  if (isScreen) stdout.write('\x1b[?1049h\x1b[?25l');
  try {
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const view = follower.look();
      if (json) stdout.write(`${jsonLine(view)}\n`);
      else if (isScreen)
        stdout.write(
          `\x1b[H${lines(view)
            .map((line) => `${line}\x1b[K\n`)
            .join('')}\x1b[J`,
        );
      else if (isFirst) stdout.write(`${lines(view, Number.POSITIVE_INFINITY).join('\n')}\n`);
      else
        stdout.write(
          newsLines(view)
            .map((line) => `${line}\n`)
            .join(''),
        );
      if (once) return;
      await sleep(every, null, { signal }).catch(() => {});
    }
  } finally {
    if (isScreen) stdout.write('\x1b[?25h\x1b[?1049l');
  }
}

function lines(view: View, height: number = (process.stdout.rows || 24) - 1): string[] {
  const color = process.stdout.isTTY === true && !process.env.NO_COLOR;
  return screen(view, { width: process.stdout.columns || 80, height, color });
}
