/** The house: which part may import which. The table is the drawing; what is not in it does not exist. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NATURE_NAMES } from '../probe/recording/natures.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** From the bottom up: each folder or file, and what it may import beside its own. Of a folder without a row nobody may. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'user-error.ts': [],
  'probe/recording': ['user-error.ts'],
  'probe/adapters.ts': ['probe/recording'],
  'probe/process': ['probe/recording', 'probe/adapters.ts'],
  'probe/account': ['probe/recording', 'probe/process'],
  // what pools of others use, or copy
  'probe/lease.ts': [],
  'probe/watch': ['probe/recording', 'probe/adapters.ts', 'probe/lease.ts', 'probe/process', 'probe/account'],
  'probe/judge': ['probe/recording', 'probe/process', 'probe/account'],
  'probe/record': ['probe/recording', 'probe/process', 'probe/account', 'probe/judge'],
  'probe/proof': ['probe/process', 'probe/account'],
  'probe/hand-down': ['probe/process'],
  'probe/control': [
    ...['probe/recording', 'probe/process', 'probe/account', 'probe/watch', 'probe/judge', 'probe/record'],
  ],
  'probe/telemetry': ['probe/recording', 'probe/process', 'probe/account', 'probe/judge'],
  'probe/notify': ['probe/recording', 'probe/process', 'probe/account', 'probe/judge'],
  // what puts the rooms together: probe.ts, register.ts, index.ts
  probe: [
    ...['probe/recording', 'probe/adapters.ts', 'probe/process', 'probe/account', 'probe/watch', 'probe/judge'],
    ...['probe/proof', 'probe/record', 'probe/hand-down', 'probe/control', 'probe/telemetry', 'probe/notify'],
  ],
  // what attaching loads into another process, and what loads it there
  'probe/attach': ['probe/process', 'probe/account', 'probe'],
  attach: ['user-error.ts', 'probe/recording', 'probe/account', 'probe/attach'],
  heap: ['user-error.ts', 'probe/recording'],
  candidates: ['user-error.ts'],
  project: ['user-error.ts', 'probe/adapters.ts', 'probe/watch'],
  reports: ['user-error.ts', 'probe/recording'],
  mcp: ['user-error.ts', 'probe/recording', 'reports'],
  live: ['user-error.ts', 'probe/recording', 'reports'],
  guards: ['user-error.ts', 'probe', 'reports'],
  pipeline: ['user-error.ts'],
  database: ['user-error.ts', 'probe/recording', 'reports/sizing', 'pipeline/store'],
  'oracle-standin': ['user-error.ts', 'pipeline/store'],
  soak: ['user-error.ts', 'heap', 'candidates', 'probe/recording', 'probe/control', 'reports'],
  scenarios: [
    ...['user-error.ts', 'probe/recording', 'probe/index.ts', 'reports'],
    ...['heap', 'pipeline', 'database', 'oracle-standin', 'soak'],
  ],
  cli: [
    ...['user-error.ts', 'probe/recording', 'probe/process/settings.ts', 'reports'],
    ...['attach', 'mcp', 'live', 'heap', 'candidates', 'project', 'database', 'oracle-standin', 'soak', 'scenarios'],
  ],
  bench: ['probe', 'pipeline', 'oracle-standin'],
  'tools/fuzz': ['user-error.ts', 'probe/recording', 'probe/control', 'reports', 'cli'],
  'tools/programs': ['probe/recording'],
  'tools/graphs': ['probe/recording'],
  'tools/attach': ['attach', 'pipeline', 'probe/recording'],
  tools: [],
};

interface Import {
  from: string;
  to: string;
  /** Erased when it is compiled. */
  isType: boolean;
}

/** Every .ts file of the product, from its root. */
const sources = new Map(
  readdirSync(ROOT, { withFileTypes: true })
    .filter(({ name }) => !['node_modules', 'dist', 'test'].includes(name) && !name.startsWith('.'))
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(path.join(ROOT, entry.name), { recursive: true, encoding: 'utf8' }).map((name) =>
            path.join(entry.name, name),
          )
        : [entry.name],
    )
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && file !== 'vitest.config.ts')
    .map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]),
);

const imports = [...sources].flatMap(([from, text]) =>
  importsOf(text).map(({ to, isType }): Import => ({ from, to: path.join(path.dirname(from), to), isType })),
);

function importsOf(text: string): Omit<Import, 'from'>[] {
  const declared = text.matchAll(/^(?:import|export)\s(?:([^;'"]*?)\sfrom\s+)?'(\.[^']+)'/gm);
  // `await import('./pg.ts')`; after `typeof` only a type
  const asked = text.matchAll(/(\btypeof\s+)?\bimport\('(\.[^']+)'\)/g);
  return [
    ...[...declared].map(([, what = '', to = '']) => ({ to, isType: isOfTypes(what) })),
    ...[...asked].map(([, , to = '']) => ({ to, isType: true })),
  ];
}

/** `type Desk`, `type { Desk }`, `{ type Desk, type Facts }` */
function isOfTypes(what: string): boolean {
  if (/^type\s/.test(what)) return true;
  const names = /^\{(.*)\}$/s
    .exec(what)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names?.every((name) => name.startsWith('type ')) ?? false;
}

function isIn(part: string, file: string): boolean {
  return file === part || file.startsWith(`${part}/`);
}

/** The row that is most its own. */
function partOf(file: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((part) => isIn(part, file))
    .sort((a, b) => b.length - a.length)[0];
}

test('the imports are read: those of values, those of types, those that are asked for late', () => {
  expect(
    importsOf(`import { a } from './a.ts';
import {
  type B,
  type C,
} from '../b.ts';
import type { D } from './d.ts';
import { type E, e } from './e.ts';
import './f.ts';
export * from './g.ts';
import fs from 'node:fs';
const h = async () => (await import('./h.ts')).h;`),
  ).toEqual([
    { to: './a.ts', isType: false },
    { to: '../b.ts', isType: true },
    { to: './d.ts', isType: true },
    { to: './e.ts', isType: false },
    { to: './f.ts', isType: false },
    { to: './g.ts', isType: false },
    { to: './h.ts', isType: true },
  ]);
  // and they are of files that exist
  expect(imports.length).toBeGreaterThan(sources.size);
  expect(imports.filter(({ to }) => !sources.has(to))).toEqual([]);
});

test('no two files need each other to be loaded', () => {
  const needs = new Map([...sources.keys()].map((file): [string, string[]] => [file, []]));
  for (const { from, to, isType } of imports) if (!isType) needs.get(from)?.push(to);
  // whatever needs nothing, or is needed by nothing, goes: a circle stays
  for (let size = -1; size !== needs.size; ) {
    size = needs.size;
    for (const [file, needed] of needs) if (!needed.some((other) => needs.has(other))) needs.delete(file);
    const needed = new Set([...needs.values()].flat());
    for (const file of needs.keys()) if (!needed.has(file)) needs.delete(file);
  }
  expect([...needs.keys()]).toEqual([]);
});

test('arrows point one way, as they are drawn', () => {
  const parts = Object.keys(MAY_IMPORT);
  const isLower = (part: string, other: string) =>
    parts.indexOf(partOf(other) ?? '') < parts.indexOf(part) || isIn(part, other);
  expect(parts.filter((part) => !MAY_IMPORT[part]?.every((other) => isLower(part, other)))).toEqual([]);

  expect([...sources.keys()].filter((file) => partOf(file) === undefined)).toEqual([]);
  const stray = imports.filter(({ from, to }) => {
    const part = partOf(from) ?? '';
    return part !== partOf(to) && !MAY_IMPORT[part]?.some((other) => isIn(other, to));
  });
  expect(stray.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test('what differs from one nature to the next stands in their table: no code asks for one by its name', () => {
  const names = NATURE_NAMES.join('|');
  const asks = new RegExp(
    `\\b(?:nature|natureName|shape)\\b\\s*[!=]==|[!=]==\\s*[\\w.]*\\b(?:nature|natureName)\\b|\\bnature(?:Name)?\\)\\s*\\{\\s*case '(?:${names})'`,
  );
  expect(asks.test("if (source.natureName === 'lease') return")).toBe(true);
  const files = [...sources].filter(([file]) => /^(?:probe|reports)\//.test(file));
  expect(files.filter(([, text]) => asks.test(text)).map(([file]) => file)).toEqual([]);
});
