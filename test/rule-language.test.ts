import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { conditionFrom, loopsWithinLoops, RULE_LIMIT } from '../pipeline/jobs/condition.ts';
import { IntelList } from '../pipeline/jobs/intel.ts';
import { followed, loadIntel } from '../pipeline/jobs/intel-files.ts';
import { judge } from '../pipeline/jobs/judge.ts';
import { factsOf, loadRules, parseRule, type Rule, RuleSet } from '../pipeline/jobs/rule-set.ts';
import type { CloudRecord } from '../pipeline/records/record.ts';

const record: CloudRecord = {
  ...{ version: 2, id: 'r1', kind: 'activity', source: 'aws-cloudtrail', tenant: '1', compartment: null },
  ...{ region: 'eu-west-1', time: null, name: 'StopLogging', actor: null, sourceIp: null, resource: null },
  raw: {},
};
const rule = (changes: Partial<Rule>): Rule => ({
  ...{ id: 'r', title: 'R', severity: 'low', kind: 'activity', author: null, sources: null, names: ['StopLogging'] },
  condition: () => true,
  ...changes,
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlive-language-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a rule', () => {
  const finds = (names: string[], name: string, more: Partial<CloudRecord> = {}) =>
    new RuleSet([rule({ names })]).matching({ ...record, ...more, name }).length === 1;

  test.each([
    [['com.oraclecloud.identityControlPlane.CreatePolicy'], 'com.oraclecloud.identitycontrolplane.createpolicy', true],
    [['UpdateFunctionCode'], 'UpdateFunctionCode20150331v2', true],
    [['Create*'], 'CreateUser', true],
    [['Create*'], 'DeleteUser', false],
    [['*'], 'anything', true],
    [['get secrets'], 'get secrets', true],
    [['A.B'], 'AxB', false],
  ])('for %j sees %s: %s', (names, name, expected) => expect(finds(names, name)).toBe(expected));

  test('for some sources does not see the others', () => {
    const set = new RuleSet([rule({ sources: ['oci-audit'] })]);
    expect(set.matching(record)).toEqual([]);
    expect(set.matching({ ...record, source: 'oci-audit' })).toHaveLength(1);
  });

  test.each([
    ["'0.0.0.0/0'.isWorld()", true],
    ["'::/0'.isWorld()", true],
    ["'0:0::/0'.isWorld()", true],
    ["'10.0.0.0/8'.isWorld()", false],
    ["'Admins'.same('admins')", true],
    ['succeeded(raw)', true],
    ['listOf(raw.one).size() == 1 && listOf(raw.many).size() == 2', true],
  ])('may ask %s', (text, expected) => {
    const condition = conditionFrom(text, 'r') as (facts: object) => boolean;
    expect(condition({ record: {}, raw: { errorCode: '', one: { a: 1 }, many: [1, 2] }, intel: [] })).toBe(expected);
  });

  test('that never comes back is ended, named, and after three times not tried again', () => {
    const condition = conditionFrom("raw.userAgent.matches('^(a+)+$')", 'hungry') as (facts: object) => boolean;
    const set = new RuleSet([rule({ id: 'hungry', condition }), rule({ id: 'other' })]);
    const poison = { ...record, raw: { userAgent: `${'a'.repeat(40)}!` } };
    const problems: string[] = [];
    const matched = [1, 2, 3, 4].map(() =>
      set.matching(poison, [], ({ message }) => problems.push(message)).map(({ id }) => id),
    );
    expect(matched).toEqual([['other'], ['other'], ['other'], ['other']]);
    expect(problems[0]).toBe(`rule "hungry" took more than ${RULE_LIMIT} ms over this record`);
    expect(problems[3]).toMatch(/^rule "hungry" was switched off/);
  });
});

const SIGMA = `title: Trail changed
id: 11111111-2222-3333-4444-555555555555
author: Ada
logsource: { product: aws, service: cloudtrail }
detection:
  selection:
    eventSource: cloudtrail.amazonaws.com
    eventName: [StopLogging, DeleteTrail]
  filter_main_robot:
    userIdentity.arn|contains: ':role/robot'
  condition: selection and not 1 of filter_main_*
level: medium
`;

test.each([
  ["raw.a.exists(x, x == '(') && raw.b.exists(y, y)", 1],
  ['raw.a.exists(x, x.b.all(y, y.c.filter(z, z) == []))', 3],
  ['succeeded(raw)', 0],
])('%s has loops %s deep', (text, depth) => expect(loopsWithinLoops(text)).toBe(depth));

test('a loop within a loop over a large record is ended too', () => {
  const text = 'raw.many.all(x, raw.many.all(y, raw.many.all(z, x + y + z >= 0)))';
  const condition = conditionFrom(text, 'loops') as (facts: object) => boolean;
  expect(condition({ record: {}, raw: { many: [1, 2] }, intel: [] })).toBe(true);
  const many = Array.from({ length: 3_000 }, () => 1);
  expect(() => condition({ record: {}, raw: { many }, intel: [] })).toThrow(/^rule "loops" took more than/);
});

describe('a Sigma rule', () => {
  const raw = { eventSource: 'CloudTrail.amazonaws.com', eventName: 'StopLogging' };
  const detects = (detection: string, event: object) =>
    parseRule(
      `title: T\nid: s\nlogsource: { product: aws, service: cloudtrail }\ndetection:\n${detection}`,
      's.yml',
    ).condition(factsOf({ raw: event }));

  test('is run as it is, and says who wrote it', () => {
    const sigma = parseRule(SIGMA, 's.yml');
    expect(sigma).toMatchObject({ severity: 'medium', author: 'Ada', names: ['StopLogging', 'DeleteTrail'] });
    expect(sigma.condition(factsOf({ raw }))).toBe(true);
    expect(sigma.condition(factsOf({ raw: { ...raw, eventName: 'StartLogging' } }))).toBe(false);
    expect(sigma.condition(factsOf({ raw: { ...raw, userIdentity: { arn: 'arn:aws:iam::1:role/robot' } } }))).toBe(
      false,
    );
  });

  test.each<[string, string, object, boolean]>([
    ['a wildcard', "  s: { name: 'Create*Key' }\n  condition: s", { name: 'createAccessKey' }, true],
    ['an escaped wildcard', "  s: { name: 'a\\*' }\n  condition: s", { name: 'ab' }, false],
    ['an escaped backslash', "  s: { name: 'a\\\\*' }\n  condition: s", { name: 'a\\b' }, true],
    ['a backslash at the end', "  s: { name|contains: 'a\\' }\n  condition: s", { name: 'xa\\b' }, true],
    ['a backslash before a letter', "  s: { name: 'a\\b' }\n  condition: s", { name: 'A\\B' }, true],
    ['cased', '  s: { name|cased: Del }\n  condition: s', { name: 'del' }, false],
    ['contains with cased', '  s: { name|contains|cased: Del }\n  condition: s', { name: 'xdel' }, false],
    ['re with i', "  s: { name|re|i: '^a.c$' }\n  condition: s", { name: 'ABC' }, true],
    ['re without i', "  s: { name|re: '^a.c$' }\n  condition: s", { name: 'ABC' }, false],
    ['fieldref with startswith', '  s: { a|fieldref|startswith: b }\n  condition: s', { a: 'xy', b: 'X' }, true],
    ['exists', '  s: { a|exists: false }\n  condition: s', { b: 1 }, true],
    ['a number that is none', '  s: { n|lt: 7 }\n  condition: s', { n: null }, false],
    ['a number as text', '  s: { n|lt: 7 }\n  condition: s', { n: '6' }, true],
    ['a network of the other family', "  s: { ip|cidr: '2001:db8::/32' }\n  condition: s", { ip: '2001:db8::1' }, true],
    ['an empty text', "  s: { a: '' }\n  condition: s", { a: '' }, true],
    ['them', '  s: { a: 1 }\n  _t: { b: 2 }\n  condition: 1 of them', { b: 2 }, false],
    ['a question mark', "  s: { name: 'a?c' }\n  condition: s", { name: 'abc' }, true],
    ['startswith', '  s: { name|startswith: Del }\n  condition: s', { name: 'DeleteTrail' }, true],
    ['endswith', '  s: { name|endswith: Del }\n  condition: s', { name: 'DeleteTrail' }, false],
    ['all', '  s: { name|contains|all: [a, b] }\n  condition: s', { name: 'xayb' }, true],
    ['re', "  s: { name|re: '^a.c$' }\n  condition: s", { name: 'abc' }, true],
    ['cidr', '  s: { ip|cidr: 192.0.2.0/24 }\n  condition: s', { ip: '192.0.2.9' }, true],
    ['fieldref', '  s: { a|fieldref: b.c }\n  condition: s', { a: 'x', b: { c: 'x' } }, true],
    ['a number', '  s: { n|gte: 7 }\n  condition: s', { n: 8 }, true],
    ['null', '  s: { a: null }\n  condition: s', { b: 1 }, true],
    ['a list on the way', '  s: { a.b: x }\n  condition: s', { a: [{ b: 'y' }, { b: 'x' }] }, true],
    ['words', '  s: [trufflehog]\n  condition: s', { userAgent: 'TruffleHog' }, true],
    ['maps of which one matches', '  s: [{ a: 1 }, { b: 2 }]\n  condition: s', { b: 2 }, true],
    ['all of', '  s1: { a: 1 }\n  s2: { b: 2 }\n  condition: all of s*', { a: 1 }, false],
    ['brackets', '  x: { a: 1 }\n  y: { b: 2 }\n  z: { c: 3 }\n  condition: (x or y) and not z', { b: 2 }, true],
  ])('knows %s', (_, detection, event, expected) => expect(detects(detection, event)).toBe(expected));

  test('that is not understood is skipped and named, and the others are run', async () => {
    await mkdir(join(folder, 'cloud'));
    await writeFile(join(folder, 'cloud/good.yml'), SIGMA);
    await writeFile(join(folder, 'cloud/azure.yml'), SIGMA.replace('aws', 'azure').replace(/1{8}/, '99999999'));
    await writeFile(
      join(folder, 'cloud/odd.yml'),
      SIGMA.replace('|contains', '|base64offset').replace(/1{8}/, '88888888'),
    );
    const { rules, skipped } = await loadRules(folder);
    expect(rules.map(({ title }) => title)).toEqual(['Trail changed']);
    expect(skipped).toEqual([
      expect.stringMatching(/azure\.yml:4: rule "9{8}-.*" is for azure cloudtrail; of Sigma's rules those for aws/),
      expect.stringMatching(/odd\.yml:5: rule "8{8}-.*", filter_main_robot: the modifier base64offset is not run\.$/),
    ]);
  });
});

describe('intelligence', () => {
  const hash = 'd41d8cd98f00b204e9800998ecf8427e';

  test('knows the addresses, domains and hashes that are anywhere in a record', () => {
    const list = new IntelList();
    for (const entry of ['203.0.113.0/24', '2001:db8::/32', 'bad.example', hash]) expect(list.add(entry)).toBe(true);
    expect(list.add('no such thing')).toBe(false);
    const raw = {
      requestParameters: { cidrIp: '203.0.113.7/32', hosts: ['https://user@www.bad.example:8443/x?y', 'good.example'] },
      ...{ mail: 'eve@bad.example', file: hash.toUpperCase(), v6: '2001:DB8::1', time: '2026-01-05T08:00:00Z' },
    };
    expect(list.hitsIn({ sourceIp: '203.0.113.9', raw }).map(({ field, type }) => `${field}: ${type}`)).toEqual([
      'sourceIp: address',
      'requestParameters.cidrIp: address',
      'requestParameters.hosts.0: domain',
      'mail: domain',
      'file: hash',
      'v6: address',
    ]);
  });

  test('is what a rule may ask for, and gives results of its own', () => {
    const intel = new IntelList();
    intel.add('203.0.113.7');
    const text = `{ id: asks, title: A, severity: low, kind: activity, events: [StopLogging], condition: "intel.exists(hit, hit.isThreat && hit.list == 'intelligence')",
      examples: { match: [{ intel: [{ isThreat: true, list: intelligence }] }], noMatch: [{ raw: {} }] } }`;
    const rules = new RuleSet([parseRule(text, 'r.yaml')]);
    const idsOf = (changes: Partial<CloudRecord>) =>
      judge({ ...record, ...changes }, { rules, intel }).matched.map(({ id }) => id);
    expect(idsOf({ sourceIp: '203.0.113.7' })).toEqual(['intel-source-ip', 'asks']);
    expect(idsOf({ raw: { peer: '203.0.113.7' } })).toEqual(['intel-indicator', 'asks']);
    expect(idsOf({ sourceIp: '192.0.2.1' })).toEqual([]);
  });

  test('in the form of MISP: attributes are threats, a warning list only says what something is', async () => {
    const event = {
      Event: {
        info: 'Botnet',
        Attribute: [
          { type: 'ip-dst|port', value: '203.0.113.8|443' },
          { type: 'comment', value: 'x' },
        ],
      },
    };
    const warning = { name: 'Some provider', list: ['198.51.100.0/24', '/pattern/'] };
    await writeFile(join(folder, 'event.json'), JSON.stringify(event));
    await writeFile(join(folder, 'warning.json'), JSON.stringify(warning));
    const list = await loadIntel(join(folder, 'event.json'), join(folder, 'warning.json'));
    expect(list.hitsIn({ raw: ['203.0.113.8', '198.51.100.1'] })).toMatchObject([
      { list: 'Botnet', isThreat: true },
      { list: 'Some provider', isThreat: false },
    ]);
    expect(list.has('198.51.100.1')).toBe(false);
    await writeFile(join(folder, 'event.json'), '{"a":1}');
    await expect(loadIntel(join(folder, 'event.json'))).rejects.toThrow(/event\.json: neither a MISP warning list nor/);
  });

  test('is read again when its file changes, and kept when that becomes unreadable', async () => {
    const file = join(folder, 'list.txt');
    await writeFile(file, '203.0.113.7\n');
    let now = 0;
    const list = await followed([file], () => now);
    await writeFile(file, '203.0.113.8\n');
    await utimes(file, 1, 1);
    await list.refresh();
    expect(list.has('203.0.113.8')).toBe(false); // looked a moment ago
    now += 2_000;
    await list.refresh();
    expect([list.has('203.0.113.7'), list.has('203.0.113.8')]).toEqual([false, true]);
    await rm(file);
    now += 2_000;
    await list.refresh();
    expect(list.has('203.0.113.8')).toBe(true);
  });
});
