import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report } from '../probe/recording/report.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { fixture, probed } from './support/probed.ts';

// Traps of the driver: each is provoked, and named while the service is in it. That nothing is named otherwise, is in
// oracledb.test.ts.

let oracle: Oracle;
let report: Report;
let said: string;
beforeAll(async () => {
  oracle = await startOracle();
  ({ report, stdout: said } = await probed(fixture('oracledb-traps.mjs'), [], { env: oracle.env }));
});
afterAll(() => oracle.stop());

const told = (pool: string) => report.notices.filter((notice) => notice.pool === pool);
const sentenceOf = (pool: string, name: string) => told(pool).find((notice) => notice.name === name)?.sentence;

test('a logon that hangs after it was accepted, and all who wait behind it', () => {
  expect(said).toContain('hung NJS-040 NJS-040 NJS-040 NJS-040 0 4');
  expect(sentenceOf('hung', 'logon-without-timeout')).toMatch(/accepted has not got a byte for \d+ s/);
  expect(sentenceOf('hung', 'serial-creation')).toMatch(/^4 acquires wait behind one logon/);
});

test('places in the pool that are kept by acquires which timed out long ago', () => {
  expect(sentenceOf('hung', 'stale-counters')).toMatch(
    /counts 4 of 4 connections as taken where 0 are in use: 4 acquires/,
  );
});

test('retries without a pause below poolMin', () => {
  expect(sentenceOf('retrying', 'retry-without-delay')).toMatch(/tried to connect \d+ times within \d+ ms/);
  expect(told('retrying').find(({ name }) => name === 'retry-without-delay')?.count).toBe(1);
});

test('an error of the past, handed to the next who asks', () => {
  expect(said).toContain('retrying NJS-503');
  expect(sentenceOf('retrying', 'stale-error')).toMatch(/failed \d+ ms before it was asked for/);
});

test('a pool that is closed by force during a call', () => {
  expect(said).toContain('closing never settles 1');
  expect(sentenceOf('closing', 'close-during-call')).toContain('(select ? as word from dual)');
});

test('counters of a pool that was closed by force, and of one that got a connection back twice', () => {
  expect(sentenceOf('closing', 'stale-counters')).toMatch(/is closed, and connectionsInUse still says 1/);
  expect(said).toContain('twice undefined -1');
  expect(sentenceOf('twice', 'stale-counters')).toMatch(/counts -1 connections as taken/);
});

test('each has a remedy, and none is a leak', () => {
  expect(report.notices).toHaveLength(8);
  for (const { remedy, library } of report.notices) expect([remedy.length > 20, library]).toEqual([true, 'oracledb']);
  expect(report.findings.filter(({ certainty }) => certainty !== 'suspect')).toEqual([]);
});
