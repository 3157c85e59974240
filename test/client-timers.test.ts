/** Timers that a watched library sets for a client of its own: of a stand-in for one, with the habits of some releases. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineOf, NODE_MAJOR, probed, ROOT } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const FIXTURE = path.join(ROOT, 'test/fixtures/client-timers');
const PROGRAM = path.join(FIXTURE, 'program.cjs');

/** What is found of a program that has a library beside it, at lines of the fixtures. */
async function foundIn(program: string, library: string, habits: string[]) {
  using folder = temporaryFolder();
  const installed = path.join(folder.path, 'node_modules', library);
  mkdirSync(installed, { recursive: true });
  const manifest = { name: library, version: '5.0.0', main: `${library}.cjs` };
  writeFileSync(path.join(installed, 'package.json'), JSON.stringify(manifest));
  copyFileSync(path.join(FIXTURE, `${library}.cjs`), path.join(installed, `${library}.cjs`));
  const copy = path.join(folder.path, program);
  copyFileSync(path.join(FIXTURE, program), copy);
  const { report } = await probed(copy, habits);
  return report.findings.map(({ site, kind, certainty, count, maker }) => {
    const at = `${path.join(FIXTURE, path.basename(site?.file ?? ''))}:${site?.line}`;
    return { at, kind, certainty, count, maker: maker?.name };
  });
}

const found = (...habits: string[]) => foundIn('program.cjs', 'ioredis', habits);

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
  expect(await found('waits on', 'holds nothing')).toEqual([]);
});

test.skipIf(NODE_MAJOR < 24)('so is a ping that follows from its connecting, once it is closed', async () => {
  expect(await found('pings', 'pings on')).toEqual(timers('// for each job', 12));
  expect(await found('pings')).toEqual([]);
});

test.concurrent('what a client has while it is open, or waits for an answer, is its own', async () => {
  expect(await found()).toEqual([]);
  expect(await found('never answers')).toEqual([]);
});

describe.concurrent('of a library that no adapter is for, set in an event of a connection', () => {
  const dialed = (...habits: string[]) => foundIn('dialing.cjs', 'dialer', habits);
  const left = (text: string) => [
    {
      at: lineOf(path.join(FIXTURE, 'dialer.cjs'), text),
      kind: 'timer',
      certainty: 'likely',
      count: 12,
      maker: 'dialer',
    },
  ];

  test('an interval that stays when the connection has ended', async () => {
    expect(await dialed('beats', 'leaves')).toEqual(left('setInterval('));
  });

  test('a time-out', async () => {
    expect(await dialed('waits', 'leaves')).toEqual(left("new Error('no greeting')"));
  });

  test('none that is cleared, that is for no connection, or whose connection is still there', async () => {
    expect(await dialed('beats', 'waits', 'retries')).toEqual([]);
    const ofKept = await dialed('beats', 'waits', 'leaves', 'kept');
    expect(ofKept.filter(({ kind }) => kind === 'timer')).toEqual([]);
  });
});
