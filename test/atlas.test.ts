/** Known leaks of dependencies: who has the broken version is told which one to upgrade to. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ATLAS, type KnownLeak, makerOf } from '../probe/recording/atlas.ts';
import { card } from '../reports/html/card.ts';
import { renderTerminal } from '../reports/terminal.ts';
import { makeFinding, makeReport } from './support/reports.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** Who made a resource, where the row's package is installed in that version under `installedAs`. */
function makerIn(row: KnownLeak, version: string, { installedAs = row.package, kind = row.kind } = {}) {
  using folder = temporaryFolder();
  const installed = path.join(folder.path, 'node_modules', installedAs);
  mkdirSync(installed, { recursive: true });
  writeFileSync(path.join(installed, 'package.json'), JSON.stringify({ name: row.package, version }));
  const frame = (file: string, name: string, user: boolean) => ({ file, function: name, user });
  const stack = [
    frame('node:net', 'Server', false),
    frame(path.join(installed, row.file), row.function ?? '', false),
    frame(path.join(folder.path, 'app.js'), 'main', true),
    frame(path.join(folder.path, 'node_modules/runner/run.js'), 'run', false),
  ];
  return makerOf(stack, kind);
}

const before = (version: string) => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (patch > 0) return `${major}.${minor}.${patch - 1}`;
  return minor > 0 ? `${major}.${minor - 1}.99` : `${major - 1}.99.99`;
};

describe.each(ATLAS)('$package, mended in $mended: $what', (row) => {
  test.each([row.since, before(row.mended)])('with %s: upgrade', (version) => {
    expect(makerIn(row, version)).toEqual({ package: { name: row.package, version }, known: row });
  });

  test.each([row.mended, '99.0.0'])('with %s: the package is named, and nothing is known of it', (version) => {
    expect(makerIn(row, version)).toEqual({ package: { name: row.package, version }, known: null });
  });
});

const [row] = ATLAS as readonly [KnownLeak, ...KnownLeak[]];

test('a package that is installed under another name is told by its manifest', () => {
  expect(makerIn(row, row.since, { installedAs: 'an-alias' })?.known).toBe(row);
});

test('another kind of resource, or a version that nobody can read, is not that leak', () => {
  expect(makerIn(row, row.since, { kind: 'watcher' })?.known).toBeNull();
  for (const version of ['../../etc', [row.since] as never]) {
    expect(makerIn(row, version)).toEqual({ package: { name: row.package, version: null }, known: null });
  }
});

test('what the program’s own line made has no maker', () => {
  expect(makerOf([{ file: '/srv/node_modules/run/run.js', function: '', user: true }], 'timer')).toBeNull();
});

test('the terminal and the page tell it, by the version that is installed', () => {
  const finding = makeFinding({
    ...{ kind: 'server', nature: 'server', library: 'net.Server', origin: 'library' },
    ...{ maker: { name: 'chai-http', version: '3.0.0' }, known: { mended: '4.0.0', what: 'A server stays.' } },
  });
  const report = makeReport({ findings: [finding] });
  const advice = 'Upgrade chai-http from 3.0.0 to 4.0.0 or later. A server stays.';
  expect(renderTerminal(report, { color: false, width: 200 })).toContain(`· ${advice}`);
  const page = { cwd: '/srv', report, recordings: [], held: new Map() } as unknown as Parameters<typeof card>[2];
  expect(card(finding, 1, page).text).toContain(advice);
});
