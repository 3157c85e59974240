// What checks with packages of their own share: installing these, and a program under the probe in a folder of its own.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export function install(home) {
  if (existsSync(path.join(home, 'node_modules'))) return;
  const { status } = spawnSync('npm', ['ci', '--legacy-peer-deps', '--ignore-scripts', '--prefix', home], {
    stdio: ['inherit', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * The report on `home/programs/NAME.cjs`. `modules`: what it finds there as its libraries, by name, of those that are
 * installed in `home`. `command`: of outlive's, with its options.
 */
export async function reportOf(home, name, { modules, args = [], env, command = ['run'] }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'outlive-planted-'));
  try {
    const found = path.join(folder, 'node_modules');
    for (const [as, installed] of Object.entries(modules)) {
      mkdirSync(path.dirname(path.join(found, as)), { recursive: true });
      symlinkSync(path.join(home, 'node_modules', installed), path.join(found, as));
    }
    symlinkSync(root, path.join(found, 'outlive'));
    cpSync(path.join(home, 'programs'), folder, { recursive: true });
    const outlive = [
      path.join(root, 'dist/cli/main.js'),
      ...command,
      '--json',
      '--out',
      path.join(folder, 'out'),
      '--',
    ];
    const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 1e8 };
    const { stdout, stderr } = await new Promise((resolve) => {
      execFile(process.execPath, [...outlive, process.execPath, `${name}.cjs`, ...args], options, (_, out, err) =>
        resolve({ stdout: out, stderr: err }),
      );
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
