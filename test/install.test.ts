/** Installing this repository, on every Node.js that it is promised for. */
import { cpSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, start } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('npm ci warns of nothing', async () => {
  using folder = temporaryFolder();
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    cpSync(path.join(ROOT, name), path.join(folder.path, name));
  }
  const args = ['ci', '--dry-run', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  // npm under npm has the level of the outer one
  const { code, stderr } = await start('npm', args, { cwd: folder.path, env: { npm_config_loglevel: '' } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
