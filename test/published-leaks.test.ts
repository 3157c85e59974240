/**
 * Leaks that packages were published with: each is found at a line that helps, with the version to upgrade to, and the
 * version that mended it is silent.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../probe/recording/report.ts';
import { upgrade } from '../reports/advice.ts';
import { lineOf, NODE_MAJOR, placeOf, probed, ROOT, start } from './support/probed.ts';

const HOME = path.join(ROOT, 'tools/network-leaks');
const programOf = (name: string) => path.join(HOME, 'programs', `${name}.cjs`);

beforeAll(async () => {
  const isThere = existsSync(path.join(HOME, 'node_modules/multer-mended'));
  if (!isThere) await start('npm', ['ci', '--prefix', HOME, '--ignore-scripts', '--no-audit', '--no-fund']);
});

const byCaller = (name: string) => lineOf(programOf(name), '// leaks');

const LEAKS = [
  {
    name: 'chai-http',
    kind: 'server',
    certainty: 'likely',
    line: byCaller('chai-http'),
    advice: /^Upgrade chai-http from 3\.0\.0 to 4\.0\.0 or later/,
  },
  {
    name: 'follow-redirects',
    kind: 'stream',
    certainty: 'likely',
    line: byCaller('follow-redirects'),
    advice: /^Upgrade follow-redirects from 1.4.1 to 1.5\.0 or later/,
  },
  {
    name: 'image-size',
    kind: 'stream',
    certainty: 'proven',
    line: byCaller('image-size'),
    advice: /^Upgrade image-size from 1\.0\.0 to 1\.0.2 or later/,
  },
  {
    name: 'image-size-sync',
    kind: 'stream',
    certainty: 'likely',
    line: byCaller('image-size-sync'),
    advice: /^Upgrade image-size from 1\.0\.0 to 1\.0.2 or later/,
  },
  // made in an event of a stream: the package's own line is all there is
  {
    name: 'multer',
    kind: 'stream',
    certainty: 'proven',
    line: expect.stringContaining('/storage/disk.js:'),
    advice: /^Upgrade multer from 2\.2\.0 to 2\.3\.0 or later/,
  },
];

describe.concurrent.each(LEAKS.filter(({ name }) => name !== 'follow-redirects' || NODE_MAJOR >= 22))(
  '$name',
  ({ name, kind, certainty, line, advice }) => {
    test('leaking', async () => {
      const { report } = await probed(programOf(name), ['leaking']);
      expect(report.findings.map(placeOf)).toEqual([line]);
      expect(report.findings[0]).toMatchObject({ kind, certainty, acquired: 8, origin: 'library' });
      expect(upgrade(report.findings[0] as Finding)).toMatch(advice);
      // of what is proven by its collection, the last may still be there
      expect(report.findings[0]?.count).toBeGreaterThan(5);
    });

    test('mended', async () => {
      const { report } = await probed(programOf(name), ['mended']);
      expect(report.findings).toEqual([]);
    });
  },
);
