// Compiles to dist/ and puts beside the code what it reads at run time.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

// one file: finding, reading and compiling some fifty is most of what a preload costs at start
const bundle = ['dist/probe/register.js', '-o', 'dist/probe/register.js', '--format', 'cjs', '--platform', 'node'];
const rolldown = spawnSync('rolldown', bundle, { stdio: ['ignore', 'ignore', 'inherit'] });
if (rolldown.status !== 0) process.exit(rolldown.status ?? 1);
rmSync('dist/probe/register.js.map');

const assets = [
  'probe/package.json', // the preload is CommonJS: it must not start Node's ES module loader in the user's program
  'probe/recording/report.schema.json',
  'pipeline/rules',
  'reports/html/assets',
];
for (const asset of assets) if (existsSync(asset)) cpSync(asset, `dist/${asset}`, { recursive: true });
for (const file of ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css']) {
  cpSync(`node_modules/uplot/${file}`, file.replace('dist/', 'dist/reports/html/assets/'));
}
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
