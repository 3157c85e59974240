/** Whether somebody listens, and waiting until the service does. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../../user-error.ts';
import { howItEnded, type Program } from './program.ts';
import { portOf } from './targets.ts';

const POLL_MS = 50;
const TRY_MS = 1000;
/** How long after the service listens its probe may need to come to the side door, milliseconds. */
const PROBE_LIMIT_MS = 3000;

/** Throws `UserError` when somebody else is there already: the load would go to a stranger. */
export async function mustBeFree(urls: readonly URL[]): Promise<void> {
  for (const url of urls) {
    if (await accepts(url)) {
      throw new UserError(
        `Port ${portOf(url)} of ${url.hostname} is taken: something listens there before the service was started. Stop it first.`,
      );
    }
  }
}

/**
 * Resolves when the program listens on all `urls`, and its probe has come to the side door. Throws `UserError`, or an
 * `AbortError`.
 */
export async function ready(
  program: Program,
  probed: Promise<unknown>,
  urls: readonly URL[],
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<void> {
  await listening(program, urls, waitMs, signal);
  // the probe comes before the program's first line: who listens without it is no Node.js process
  const late = pause(urls.length > 0 ? PROBE_LIMIT_MS : waitMs, false, { ref: false });
  if (await Promise.race([probed.then(() => true), program.ended.then(() => false), late])) return;
  throw new UserError(`No Node.js process was seen under ${program.name}. ${program.lastWords()}.`);
}

/** Resolves when all `urls` accept connections. Throws `UserError` when the program ends first, or takes too long. */
export async function listening(
  program: Program,
  urls: readonly URL[],
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  for (const url of urls) {
    const place = `${url.hostname}:${portOf(url)}`;
    while (!(await accepts(url))) {
      signal.throwIfAborted();
      if (program.hasEnded) {
        const how = howItEnded(program.hasEnded);
        throw new UserError(`${program.name} ${how} before it listened on ${place}. ${program.lastWords()}.`);
      }
      if (performance.now() - began > limitMs) {
        const seconds = Math.round(limitMs / 100) / 10;
        throw new UserError(
          `${program.name} did not listen on ${place} within ${seconds} s (--wait gives it longer). ${program.lastWords()}.`,
        );
      }
      await pause(POLL_MS);
    }
  }
}

function accepts(url: URL): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: portOf(url), timeout: TRY_MS });
    const settle = (does: boolean) => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}
