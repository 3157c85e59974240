import { beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { sharedMariadb } from './setup/mariadb.ts';
import { HAS_MARIADB } from './support/mariadb.ts';
import { fixture, lineOf, NODE_MAJOR, placeOf, probed, watched } from './support/probed.ts';

// What services leave open with mysql2 and mysql beside a connection that is not given back, which is the conformance
// suite's: the line that forgets is named, and the same program that forgets nothing is clean.

const program = fixture('mysql.mjs');
const told = ({ findings }: Report) =>
  findings.map((finding) => [placeOf(finding), finding.kind, finding.certainty, finding.count]);

describe.skipIf(!HAS_MARIADB)('on MariaDB', () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { MYSQL_URL: await sharedMariadb() };
  });
  const run = async (...args: string[]) => (await probed(program, args, { env })).report;
  /** It is an ES module, which is seen on no older Node.js. */
  const isSeen = (name: string) => NODE_MAJOR >= 24 || !name.endsWith('of mariadb');

  const leftOpen: [name: string, comment: string, kind: string, certainty: string, count: number][] = [
    // who takes the connection next ends the others
    ['transactions', '// a transfer', 'connection', 'likely', 1],
    ['connections', '// a report', 'connection', 'likely', 5],
    ['connections of mysql', '// an export', 'connection', 'likely', 5],
    ['connections of mariadb', '// a check', 'connection', 'likely', 5],
    ['connections of mariadb, required', '// a probe', 'connection', 'likely', 5],
    ['streams', '// a page', 'connection', 'likely', 5],
    ['pools', '// for each job', 'connection', 'likely', 20],
    ['pools of mysql', '// for each export', 'connection', 'likely', 20],
    ['pools of mariadb', '// for each check', 'connection', 'likely', 20],
  ];
  test.concurrent.each(leftOpen.filter(([name]) => isSeen(name)))(
    '%s that are left open are told at their line',
    async (name, comment, ...rest) => {
      expect(told(await run(name, 'broken'))).toEqual([[lineOf(program, comment), ...rest]]);
    },
  );

  test.concurrent.each([
    ...['transactions', 'connections', 'connections of mysql', 'connections of mariadb'],
    ...['connections of mariadb, required', 'streams', 'pools', 'pools of mysql', 'pools of mariadb'],
  ])('%s that are ended are clean', async (name) => {
    const { findings } = await run(name);
    expect(findings).toEqual([]);
  });

  test.concurrent('what nobody can reach any more is destroyed where that is asked for, and its place given back', async () => {
    const { report, stdout } = await probed(program, ['lost'], { env: { ...env, OUTLIVE_HEAL: '1' } });
    expect(stdout).toBe('all were served\n');
    const [finding, ...others] = report.findings;
    expect(others).toEqual([]);
    expect([placeOf(finding!), finding!.detector]).toEqual([lineOf(program, '// a receipt'), 'unreachable']);
    expect(finding!.healed).toBeGreaterThan(0);
  });

  test.concurrent('a connection that is kept without what the promise handed out is no leak', async () => {
    const report = await run('handed');
    expect(report.findings).toEqual([]);
    expect(watched(report, 'mysql2')).toEqual({ acquired: 20, released: 20 });
  });
});
