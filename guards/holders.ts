/** Who holds what a test left open, from a snapshot of the heap that another process reads. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ReachOfLine } from '../probe/recording/reach.ts';

/** Writes it into a file, and says why where it is not written. */
export type WriteSnapshot = (file: string) => string | null;

/** A snapshot of the largest heap that is allowed is read in a tenth of it. */
const LIMIT_MS = 20_000;

const run = promisify(execFile);

/** By the key of the line; empty where no snapshot is written, or it cannot be read. */
export async function whoHolds(write: WriteSnapshot): Promise<ReadonlyMap<string, ReachOfLine>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-snapshot-'));
  try {
    const file = path.join(folder, 'test.heapsnapshot');
    if (write(file) !== null) return new Map();
    const args = [path.join(__dirname, '../heap/who-holds.js'), file];
    // without NODE_OPTIONS it is no test process itself
    const { stdout } = await run(process.execPath, args, { env: {}, timeout: LIMIT_MS, maxBuffer: 1e8 });
    return new Map((JSON.parse(stdout) as ReachOfLine[]).map((line) => [line.key, line]));
  } catch {
    return new Map();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
