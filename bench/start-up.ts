/** CPU time of whole processes, which only their parent can know: the shell's `times` tells it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Slices } from './pairs.ts';
import { shuffled } from './statistics.ts';
import { ROOT, type Variant } from './variants.ts';

const run = promisify(execFile);
const EMPTY = path.join(ROOT, 'bench/workloads/empty.cjs');
/** Some shells tell hundredths of a second only. */
const STARTS = 10;

/** CPU milliseconds of one empty program, by variant: one slice of `STARTS` starts. */
export async function startUps(variants: readonly Variant[]): Promise<Slices> {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-bench-'));
  const slices: Slices = new Map(variants.map((variant) => [variant, []]));
  try {
    for (const variant of shuffled(variants)) {
      const start = 'i=0; while [ $i -lt "$0" ]; do OUTLIVE_OUT="$FOLDER.$i" "$@" || exit 1; i=$((i+1)); done; times';
      const command = [process.execPath, '--no-warnings', ...variant.preload, EMPTY];
      const env = { ...process.env, ...variant.env, FOLDER: path.join(folder, variant.name) };
      const { stdout } = await run('sh', ['-c', start, String(STARTS), ...command], { env });
      slices.get(variant)?.push(childrenMs(stdout) / STARTS);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return slices;
}

/** The second line of `times`: user and system time of the children, like `0m1.230s 0m0.120s`. */
function childrenMs(text: string): number {
  const [, children = ''] = text.trim().split('\n');
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (total, [, minutes, seconds]) => total + (Number(minutes) * 60 + Number(seconds)) * 1000,
    0,
  );
}
