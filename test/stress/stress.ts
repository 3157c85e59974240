import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Stressed {
  /** Leases that were open at a look, all looks together; and how often one was called lost. */
  judged: number;
  proven: number;
  /** Jobs. */
  done: number;
  failed: number;
  hung: boolean;
  /** Leases that are still out when all jobs are over, by the pool's own count. */
  left: number;
  /** Clients that have other listeners than at the beginning. */
  altered: number;
}

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface Given {
  library: 'pg' | 'generic-pool';
  seconds: number;
  /** Leases at a time. */
  max: number;
  /** Goes on for longer until so many are judged. */
  least?: number;
  databaseUrl: string;
}

/** Under the probe that was built, which judges every 50 ms, without a grace. */
export async function stress({ library, seconds, max, least = 0, databaseUrl }: Given): Promise<Stressed> {
  const out = mkdtempSync(path.join(tmpdir(), 'outlive-stress-'));
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--require',
        at('../../dist/probe/register.js'),
        at('program.mjs'),
        library,
        String(seconds),
        String(max),
        String(least),
      ],
      {
        env: {
          ...process.env,
          ...{
            OUTLIVE_OUT: out,
            OUTLIVE_MODE: 'soak',
            OUTLIVE_GRACE_MS: '1',
            OUTLIVE_PROOF: 'on',
            PG_URL: databaseUrl,
          },
        },
      },
    );
    return JSON.parse(stdout);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
