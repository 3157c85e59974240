/** Runs a program twice, without and with the probe, for comparing what the world sees of it. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { type Ended, NODE, REGISTER, ROOT, type StartOptions, start } from './probed.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const HARMLESS: string = path.join(ROOT, 'test/fixtures/harmless');

export interface Both {
  without: Ended;
  withProbe: Ended;
  /** Recordings that the probe left. */
  recordings: number;
}

/** `args` are Node's: options, program, its arguments. */
export async function both(args: string[], options: StartOptions = {}): Promise<Both> {
  using folder = temporaryFolder();
  const env = { OUTLIVE_OUT: folder.path, ...options.env };
  const [without, withProbe] = await Promise.all([
    start(NODE, args, options),
    start(NODE, ['--require', REGISTER, ...args], { ...options, env }),
  ]);
  const files = readdirSync(folder.path);
  return {
    without: comparable(without),
    withProbe: comparable(withProbe),
    recordings: files.filter((name) => name.endsWith('.jsonl')).length,
  };
}

/**
 * Differences that are known and accepted, each with its reason:
 * - frames in stacks: the probe stands between caller and library
 * - `diagnostics_channel.hasSubscribers` of the HTTP server's two channels: requests become scopes by them
 * - the preload in `process.execArgv`, which the user wrote there: the programs leave it out
 * - two variables in the environment of a child that is not Node.js: only a probed child takes them back out
 */
function comparable({ stdout, stderr, ...rest }: Ended): Ended {
  const sameEverywhere = (text: string) =>
    text.replace(/^ +at .*\n/gm, '').replace(/duration_ms:? [\d.]+|\([\d.]+ms\)|\(node:\d+\)|\d{5,}:\d{5,}/g, '');
  return { ...rest, stdout: sameEverywhere(stdout), stderr: sameEverywhere(stderr) };
}
