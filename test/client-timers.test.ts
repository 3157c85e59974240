/** Timers that a watched library sets for a client of its own: of a stand-in for one, with the habits of some releases. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lineOf, probed, ROOT } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const FIXTURE = path.join(ROOT, 'test/fixtures/client-timers');
const PROGRAM = path.join(FIXTURE, 'program.cjs');

/** What is found, at lines of the program. */
async function found(...habits: string[]) {
  using folder = temporaryFolder();
  const library = path.join(folder.path, 'node_modules/ioredis');
  mkdirSync(library, { recursive: true });
  writeFileSync(path.join(library, 'package.json'), '{ "name": "ioredis", "version": "5.0.0", "main": "index.cjs" }');
  copyFileSync(path.join(FIXTURE, 'ioredis.cjs'), path.join(library, 'index.cjs'));
  const program = path.join(folder.path, 'program.cjs');
  copyFileSync(PROGRAM, program);
  const { report } = await probed(program, habits);
  return report.findings.map(({ site, kind, certainty, count, maker }) => {
    return { at: `${PROGRAM}:${site?.line}`, kind, certainty, count, maker: maker?.name };
  });
}

const timers = (comment: string, count: number) => [
  { at: lineOf(PROGRAM, comment), kind: 'timer', certainty: 'likely', count, maker: 'ioredis' },
];

test.concurrent('an interval that stays when its client was closed is found where that was made', async () => {
  expect(await found('leaves')).toEqual(timers('// for each job', 12));
});

test.concurrent('so are intervals that a client sets anew, though those before still run', async () => {
  // the last three may be in use
  expect(await found('sets anew')).toEqual(timers('// again', 9));
});

test.concurrent('so are one-shots that wait on though everything that was asked for has come', async () => {
  expect(await found('waits on')).toEqual(timers('// asks', 12));
});

test.concurrent('what a client has while it is open, or waits for an answer, is its own', async () => {
  expect(await found()).toEqual([]);
  expect(await found('never answers')).toEqual([]);
});
