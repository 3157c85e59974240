import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Account } from '../probe/account/ledger.ts';
import type { Site } from '../probe/account/site.ts';
import { blamedFrame, isFurtherInside, isFurtherOn, ownerDepth, ownerOf } from '../probe/judge/blame.ts';
import { enclosesOnDisk, functionEncloses } from '../probe/judge/enclosing.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A stack, innermost first, as `function@line`; frames from `|` on await instead of call. */
function site(text: string): Site {
  const [calling = '', awaiting = ''] = text.split('|');
  const words = [...calling.split(' '), ...awaiting.split(' ')].filter(Boolean);
  const frames = words.map((word) => word.split('@') as [string, string]);
  return {
    id: 0,
    stack: frames.map(([name, line]) => ({
      file: '/app.js',
      line: Number(line),
      column: 1,
      function: name,
      user: true,
    })),
    functions: frames.map(([name]) => name),
    isMapped: [],
    asyncFrom: calling.split(' ').filter(Boolean).length,
    user: frames.map((_, index) => index),
  };
}
const inside = (inner: string, outer: string) => inner === `${outer}>callback`;
const owner = (acquired: string, released: string) => ownerOf(site(acquired), site(released), inside);

test('the function that acquires and releases owns the lease', () => {
  expect(owner('job@2 main@9', 'job@5 | main@9')).toBe(0);
});

test('past a helper that acquires for its callers, the caller that releases owns it', () => {
  expect(owner('acquire@30 job@2 main@9', 'release@40 job@5 | main@9')).toBe(1);
});

test('a callback written inside the acquiring function is that function, though it was called from elsewhere', () => {
  expect(owner('job@2 main@9', 'job>callback@6 | main@9')).toBe(0);
});

test('a callback that a helper returned belongs to whoever calls it', () => {
  expect(owner('every@20 deploy@3 main@9', 'every>callback@21 deploy@8 | main@9')).toBe(1);
});

test('another flow owns nothing', () => {
  expect(owner('start@2 emit@9', 'reaper@50')).toBe(-1);
});

test('of several releases the most frequent owner counts, and without any the top frame is named', () => {
  const account = (acquired: string, ...releases: string[]) =>
    ({ site: site(acquired), releases: releases.map(site), owners: [] }) as unknown as Account;
  const careful = account('lease@30 careful@2 main@9', 'careful@4', 'careful@4');
  const forgetful = account('lease@30 forgetful@2 main@9');
  expect(ownerDepth([careful, forgetful])).toBe(1);
  expect(blamedFrame(site('lease@30 forgetful@2 main@9'), 1)).toBe(1);
  expect(ownerDepth([forgetful])).toBe(0);
});

test('whether a function is written inside another is read off the indentation of its source', () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'a.js');
  const source = [
    'async function job(',
    '  pool,',
    ') {',
    '  const c = await pool.acquire();',
    '  return use(c).finally(() => pool.release(c));',
    '}',
    'const other = () => {};',
  ];
  writeFileSync(file, source.join('\n'));
  expect(functionEncloses(`${file}:5:25`, `${file}:1:1`)).toBe(true);
  expect(functionEncloses(`${file}:7:15`, `${file}:1:1`)).toBe(false);
  expect(functionEncloses(`${file}:1:1`, `${file}:5:25`)).toBe(false);
  expect(functionEncloses('/no/such.js:5:1', '/no/such.js:1:1')).toBe(false);

  // what runs begins with three lines of a compiler's
  const encloses = enclosesOnDisk((place) => ({ ...place, line: place.line - 3 }));
  expect(encloses(`${file}:8:25`, `${file}:4:1`)).toBe(true);
  expect(functionEncloses(`${file}:8:25`, `${file}:4:1`)).toBe(false);
});

test('on one line, as in a bundle, brackets tell whether a function has ended', () => {
  using folder = temporaryFolder();
  const file = path.join(folder.path, 'bundle.js');
  const line =
    'const job=async({a}={},s="}")=>{await pool.acquire();run(()=>x)};all(list,()=>job(4));const f=x=>g(y=>x),h=()=>f;';
  writeFileSync(file, line);
  const encloses = (outer: string, inner: string) =>
    functionEncloses(`${file}:1:${line.indexOf(inner) + 1}`, `${file}:1:${line.indexOf(outer) + 1}`);
  expect(encloses('async(', '()=>x')).toBe(true);
  expect(encloses('async(', '()=>job')).toBe(false);
  expect(encloses('x=>g', 'y=>x')).toBe(true);
  expect(encloses('x=>g', '()=>f')).toBe(false);
  expect(encloses('()=>x', 'async(')).toBe(false);
});

test('further on: the same function asks again on a later line', () => {
  expect(isFurtherOn(site('transfer@3 main@9'), site('transfer@5 main@9'))).toBe(true);
  expect(isFurtherOn(site('transfer@3 main@9'), site('take@40 transfer@5 main@9'))).toBe(true);
  expect(isFurtherOn(site('order@3 main@9'), site('order@3 main@12'))).toBe(false);
});

test('further on, inside: a callback that the function has written further on asks', () => {
  const isInside = (taken: string, asked: string) => isFurtherInside(site(taken), site(asked), inside);
  expect(isInside('transfer@3 main@9', 'transfer>callback@4')).toBe(true);
  expect(isInside('transfer@3 main@9', 'transfer>callback@2')).toBe(false);
  expect(isInside('transfer@3 main@9', 'order>callback@4')).toBe(false);
});
