import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PARTS } from '../probe/process/lapses.ts';

// What test/faults.test.ts throws from is one table. This is how a hook that is not in it is noticed.

test('every file that hooks into the service is guarded, by a part of the table; every part is of some file', () => {
  const folder = path.join(import.meta.dirname, '../probe');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const sources = new Map(files.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
  // these only hand on what others give them, are in a thread of their own, have a listener that does nothing, or are guarded by who calls them
  for (const name of [
    'process/around.ts',
    'telemetry/thread.ts',
    'notify/thread.ts',
    'watch/pools/pg-cut.ts',
    'watch/pools/mysql/cut.ts',
    'record/script-maps.ts',
  ])
    sources.delete(name);
  const isHook =
    /^\s*(?:replace|every|later|process\.once|diagnosticsChannel\.subscribe)\(|\baround(?:<[^(]*>)?\(|\.on\('/m;
  // around(), onFirstSet() and listenTo() guard every hook that they are given
  const isGuarded = /\bguarded\(|\b(?:around|aroundOwn|onFirstSet|listenTo)(?:<[^(]*>)?\(/;
  const hooks = [...sources].filter(([, text]) => isHook.test(text));
  expect(hooks.length).toBeGreaterThan(8);
  expect(hooks.filter(([, text]) => !isGuarded.test(text)).map(([name]) => name)).toEqual([]);
  const named = [...sources.values()].flatMap((text) => [
    ...text.matchAll(/(?:\bguarded\(|\baround(?:<[^(]*>)?\(|const (?:PART|TRAPS) = )'([^']+)'/g),
  ]);
  expect(new Set(named.map(([, part]) => part))).toEqual(new Set(PARTS));
});
