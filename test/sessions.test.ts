import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { sharedMariadb } from './setup/mariadb.ts';
import { HAS_MARIADB } from './support/mariadb.ts';
import { fixture, lineOf, placeOf, probed } from './support/probed.ts';

// What a borrower leaves in the session of a connection that it gives back: the line that did it is named, and where the
// session was given back; the same program that undoes it all is silent.

const program = fixture('sessions.mjs');
const told = ({ findings }: Report) =>
  findings.map((finding) => [placeOf(finding), finding.nature, finding.certainty]).sort();
const expected = (rows: [comment: string, nature: string, certainty?: string][]) =>
  rows.map(([comment, nature, certainty = 'likely']) => [lineOf(program, comment), nature, certainty]).sort();

async function isToldAt(library: string, env: Record<string, string>, rows: Parameters<typeof expected>[0]) {
  const { report, stderr } = await probed(program, [library, 'broken'], { env });
  expect(stderr).toBe('');
  expect(told(report)).toEqual(expected(rows));
  // what something is set to may be a secret
  expect(JSON.stringify(report)).not.toMatch(/of_customer|10min|7000/);
  // by itself, at no line of the program's
  if (library.endsWith('by begin')) return;
  for (const { evidence } of report.findings) {
    expect(evidence).toContainEqual(expect.stringMatching(/^Given back at .*sessions-libraries\.mjs:\d+\.$/));
  }
}

async function isSilent(library: string, env: Record<string, string>) {
  const { report, stderr, code } = await probed(program, [library], { env });
  expect([stderr, told(report), code]).toEqual(['', [], 0]);
}

describe('in PostgreSQL', () => {
  let database: FreshDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await freshDatabase();
    env = { PG_URL: database.url };
  });
  afterAll(() => database.drop());

  const libraries = ['pg', 'generic-pool', 'postgres', 'postgres by begin'];

  test.concurrent.each(libraries)('%s: each thing that is left, at its line', async (library) => {
    await isToldAt(library, env, [
      ['// a lock', 'advisory lock'],
      ['// a try', 'advisory lock'],
      ['// a change', 'setting'],
      ['// by a function', 'setting'],
      ['// a table', 'temporary table'],
      ['// a plan', 'prepared statement'],
      ['// a channel', 'subscription'],
      ['// the same channel', 'subscription'],
      // nobody has met with it yet
      ['// the last', 'setting', 'suspect'],
    ]);
  });

  test.concurrent.each(['pg', 'generic-pool'])(
    '%s: what a lease without a stack leaves is told, too',
    async (library) => {
      const { report } = await probed(fixture('session-counted.mjs'), [library], {
        env: { ...env, OUTLIVE_STACKS: '0' },
      });
      expect(report.findings).toMatchObject([{ nature: 'advisory lock', count: 1 }]);
    },
  );

  test.concurrent('what was harmful and is undone by others is kept account of up to a hundred', async () => {
    const many = fixture('sessions-many.mjs');
    const { report } = await probed(many, [], { env });
    expect(report.findings.map(placeOf)).toEqual([lineOf(many, '// a lock')]);
    expect(report.findings[0]?.count).toBe(100);
  });

  test.concurrent.each(libraries)('%s: what is undone is silent', (library) => isSilent(library, env));
});

describe.skipIf(!HAS_MARIADB)('in MariaDB', () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { MYSQL_URL: await sharedMariadb() };
  });

  test.concurrent.each(['mysql2', 'mysql', 'mariadb'])('%s: each thing that is left, at its line', async (library) => {
    await isToldAt(library, env, [
      ['// a lock', 'named lock'],
      ['// a try', 'named lock'],
      ['// a change', 'session variable'],
      ['// a table', 'temporary table'],
      ['// a plan', 'prepared statement'],
      ['// elsewhere', 'default database'],
      ['// tables', 'table lock'],
      ['// the last', 'session variable', 'suspect'],
    ]);
  });

  test.concurrent.each(['mysql2', 'mysql', 'mariadb'])('%s: what is undone is silent', (library) =>
    isSilent(library, env),
  );
});
