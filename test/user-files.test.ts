import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { userFiles } from '../probe/account/site.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

test('an app that npx starts by its link is its user’s own, what it depends on is not', () => {
  using folder = temporaryFolder();
  const modules = path.join(folder.path, 'node_modules');
  for (const name of ['shop/lib', '.bin']) mkdirSync(path.join(modules, name), { recursive: true });
  const main = path.join(modules, 'shop/main.js');
  writeFileSync(main, '');
  symlinkSync('../shop/main.js', path.join(modules, '.bin/shop'));
  const isUser = userFiles(path.join(modules, '.bin/shop'));
  const files = ['shop/main.js', 'shop/lib/orders.js', 'shop/node_modules/pg/index.js', 'pg/index.js'];
  expect(files.map((file) => isUser(path.join(modules, file)))).toEqual([true, true, false, false]);
});

test('what only starts the programs of others is nobody’s own', () => {
  for (const name of ['next', 'pm2', '@nestjs/cli']) {
    const isUser = userFiles(`/app/node_modules/${name}/lib/start.js`);
    expect([`/app/node_modules/${name}/lib/start.js`, '/app/server.js'].map(isUser)).toEqual([false, true]);
  }
});
