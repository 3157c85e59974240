// What the checks of tools/orms and tools/known-leaks share: a program in a folder of its own, under the probe.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export function install(home) {
  if (existsSync(path.join(home, 'node_modules'))) return;
  const { status } = spawnSync('npm', ['ci', '--legacy-peer-deps', '--prefix', home], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * The report on `home/programs/NAME.cjs`. `modules`: what it finds there as its libraries, by name, of those that are
 * installed in `home`.
 */
export function reportOf(home, name, { modules, args = [], env }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-planted-'));
  try {
    const found = path.join(folder, 'node_modules');
    mkdirSync(found);
    for (const [as, installed] of Object.entries(modules)) {
      symlinkSync(path.join(home, 'node_modules', installed), path.join(found, as));
    }
    symlinkSync(root, path.join(found, 'outlive'));
    cpSync(path.join(home, 'programs'), folder, { recursive: true });
    const command = [path.join(root, 'dist/cli/main.js'), 'run', '--json', '--out', path.join(folder, 'out'), '--'];
    const { stdout, stderr } = spawnSync(process.execPath, [...command, process.execPath, `${name}.cjs`, ...args], {
      ...{ cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } },
    });
    if (!stdout.startsWith('{')) throw new Error(`${name} left no report: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Places of findings, as `file:line`. */
export function placesIn({ findings }) {
  return findings.map(({ site }) => `${path.basename(site?.file ?? '?')}:${site?.line}`).join();
}

/** Where a comment stands in a program. */
export function placeOf(home, name, comment) {
  const lines = readFileSync(path.join(home, 'programs', `${name}.cjs`), 'utf8').split('\n');
  return `${name}.cjs:${lines.findIndex((line) => line.includes(comment)) + 1}`;
}
