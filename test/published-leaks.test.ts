/**
 * Leaks that packages were published with: each is found at a line that helps, with the version to upgrade to, and the
 * version that mended it is silent.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certainty, Kind } from '../probe/recording/format.ts';
import type { Finding } from '../probe/recording/report.ts';
import { upgrade as adviceOn } from '../reports/advice.ts';
import { lineOf, NODE_MAJOR, placeOf, probed, ROOT, start } from './support/probed.ts';

const HOME = path.join(ROOT, 'tools/network-leaks');
const programOf = (name: string) => path.join(HOME, 'programs', `${name}.cjs`);

beforeAll(async () => {
  const isThere = existsSync(path.join(HOME, 'node_modules/tail-mended'));
  if (!isThere) await start('npm', ['ci', '--prefix', HOME, '--ignore-scripts', '--no-audit', '--no-fund']);
});

const byCaller = (name: string) => lineOf(programOf(name), '// leaks');

/** What is made in an event or a callback: the package's own line is all there is. */
const inPackage = (file: string) => expect.stringMatching(new RegExp(`/${file}:\\d+$`));

interface Leak {
  /** Of the program, and of the package where `of` does not say. */
  name: string;
  of?: string;
  kind: Kind;
  certainty: Certainty;
  /** 8 where it does not say. */
  acquired?: number;
  lines: unknown[];
  /** From and to which version. */
  upgrade: [string, string];
}

const LEAKS: Leak[] = [
  {
    ...{ name: 'chai-http', kind: 'server', certainty: 'likely', upgrade: ['3.0.0', '4.0.0'] },
    lines: [byCaller('chai-http')],
  },
  {
    ...{ name: 'follow-redirects', kind: 'stream', certainty: 'likely', upgrade: ['1.4.1', '1.5.0'] },
    lines: [byCaller('follow-redirects')],
  },
  {
    ...{ name: 'image-size', kind: 'stream', certainty: 'proven', upgrade: ['1.0.0', '1.0.2'] },
    lines: [byCaller('image-size')],
  },
  {
    ...{ name: 'image-size-sync', kind: 'stream', certainty: 'likely', upgrade: ['1.0.0', '1.0.2'] },
    lines: [byCaller('image-size-sync')],
  },
  {
    ...{ name: 'multer', kind: 'stream', certainty: 'proven', upgrade: ['2.2.0', '2.3.0'] },
    lines: [inPackage('storage/disk.js')],
  },
  {
    ...{ name: 'p-timeout', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['6.1.2', '6.1.3'] },
    lines: [byCaller('p-timeout')],
  },
  {
    ...{ name: 'got', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['12.5.2', '12.5.3'] },
    lines: [byCaller('got')],
  },
  {
    ...{ name: 'log4js', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['6.3.0', '6.4.0'] },
    lines: [byCaller('log4js')],
  },
  {
    ...{ name: 'axios', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['1.15.1', '1.15.2'] },
    lines: [inPackage('adapters/http.js')],
  },
  {
    ...{ name: 'cockatiel', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['3.1.3', '3.2.0'] },
    lines: [byCaller('cockatiel')],
  },
  {
    ...{
      name: 'http-proxy-middleware',
      kind: 'listener',
      certainty: 'likely',
      acquired: 40,
      upgrade: ['0.17.1', '0.17.2'],
    },
    lines: [byCaller('http-proxy-middleware')],
  },
  {
    ...{ name: 'ofetch', kind: 'timer', certainty: 'likely', acquired: 40, upgrade: ['1.3.3', '1.3.4'] },
    lines: [byCaller('ofetch')],
  },
  {
    ...{ name: 'tail', kind: 'watcher', certainty: 'likely', upgrade: ['2.0.3', '2.0.4'] },
    lines: [inPackage('lib/tail.js')],
  },
  // two of each
  {
    ...{ name: 'opossum', kind: 'timer', certainty: 'likely', acquired: 16, upgrade: ['4.1.0', '4.2.0'] },
    lines: [byCaller('opossum')],
  },
  {
    ...{ name: 'smithy', of: '@smithy/node-http-handler', kind: 'listener', certainty: 'likely', acquired: 40 },
    ...{ lines: [byCaller('smithy')], upgrade: ['3.1.0', '3.1.2'] },
  },
  // of "data" and of "close"
  {
    ...{ name: 'node-fetch', kind: 'listener', certainty: 'likely', acquired: 40, upgrade: ['3.2.4', '3.2.5'] },
    lines: [inPackage('src/index.js'), inPackage('src/index.js')],
  },
  // of two that each makes, one is closed
  {
    ...{ name: 'chokidar', kind: 'watcher', certainty: 'likely', acquired: 16, upgrade: ['2.1.5', '2.1.6'] },
    lines: [inPackage('lib/nodefs-handler.js')],
  },
  // a thread, and the port that it is reached by
  {
    ...{ name: 'piscina', kind: 'worker', certainty: 'likely', upgrade: ['4.1.0', '4.2.0'] },
    lines: [inPackage('src/index.ts'), inPackage('src/index.ts')],
  },
];

describe.concurrent.each(LEAKS.filter(({ name }) => name !== 'follow-redirects' || NODE_MAJOR >= 22))(
  '$name',
  ({ name, of = name.replace('-sync', ''), kind, certainty, lines, acquired = 8, upgrade: [from, to] }) => {
    test('leaking', async () => {
      const { report } = await probed(programOf(name), ['leaking']);
      expect(report.findings.map(placeOf)).toEqual(lines);
      expect(report.findings[0]).toMatchObject({ kind, certainty, acquired, origin: 'library' });
      expect(adviceOn(report.findings[0] as Finding)).toContain(`Upgrade ${of} from ${from} to ${to} or later`);
      // of what is proven by its collection, the last may still be there
      expect(report.findings[0]?.count).toBeGreaterThan(5);
    });

    test('mended', async () => {
      const { report } = await probed(programOf(name), ['mended']);
      expect(report.findings).toEqual([]);
    });
  },
);
