import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generate, writeGenerated } from '../pipeline/generate.ts';
import { type FreshStore, freshStore, STORE } from './setup/stores.ts';
import { until } from './support/until.ts';
import { openWorkload } from './support/workload.ts';
import './support/compile-once.ts';

const DATABASE_FAILED = {
  postgres:
    /^The database failed: .*violates check constraint.*With --database a further run goes on where this one ended\.\n$/,
  oracle: /^The database failed: ORA-02290: [^\n]*\. With --database a further run goes on[^\n]*\n$/,
};
const program = join(import.meta.dirname, '../pipeline/main.ts');
const NOWHERE = 'postgres://outlive:secret@127.0.0.1:1/none';

let folder: string;
let running: ChildProcessWithoutNullStreams[];
beforeEach(async () => {
  running = [];
  folder = await mkdtemp(join(tmpdir(), 'outlive-errors-'));
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/a.json'), '{"Records":[]}');
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

function start(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, ...args], { cwd: folder });
  running.push(child);
  return child;
}

async function ended(child: ChildProcessWithoutNullStreams) {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code };
}

describe('one sentence, without a stack, and exit code 2 for', () => {
  test.each<[string, string[], RegExp]>([
    ['no input', [], /^What should be read\? Give --input DIR, FILE or -; --help lists the options\.$/],
    ['an unknown option', ['--inptu', 'x'], /^Unknown option '--inptu'; --help lists the options\.$/],
    [
      'a list that is missing',
      ['--intel', 'none.txt'],
      /^The intelligence list none\.txt cannot be read \(ENOENT\)\.$/,
    ],
    ['a list that is none', ['--intel', 'list.txt'], /^list\.txt:2: "somewhere" is neither an IP address nor a CIDR/],
    ['rules that are missing', ['--rules', 'none'], /^The rules folder none cannot be read \(ENOENT\)\.$/],
    ['a rule with a syntax error', ['--rules', 'rules'], /^rules\/bad\.yaml:2: not valid YAML: /],
    [
      'tenants that are missing',
      ['--tenants', 'none.yaml'],
      /^The tenants file none\.yaml cannot be read \(ENOENT\)\.$/,
    ],
    // the URL may have a password
    ['a sink that is none', ['--sink', 'postgres://app:hunter2@db/us'], /^--sink needs REGION=URL, and the name of/],
    ['a sink of no region', ['--sink', 'mars=x'], /^--sink mars: no tenant reports to mars; there are us\.$/],
    ['no partition', ['--partitions', '0'], /^--partitions must be a whole number from 1 to 8192, not "0"\.$/],
    ['a database that is down', ['--database', NOWHERE], /^PostgreSQL at 127\.0\.0\.1:1 cannot be used: .*\.$/],
    ['a database that is no URL', ['--database', 'orders'], /^The database URL is not of the form postgres:/],
  ])('%s', async (_, args, sentence) => {
    await writeFile(join(folder, 'list.txt'), '192.0.2.1\nsomewhere\n');
    await mkdir(join(folder, 'rules'));
    await writeFile(join(folder, 'rules/bad.yaml'), 'id: x\ntitle: one: two\n');
    const input = args.length === 0 ? [] : ['--input', 'in'];
    const { stdout, stderr, code } = await ended(start(...input, ...args));
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr.trim()).toMatch(sentence);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  });

  test('a folder that is missing, before a database is started', async () => {
    const { stderr, code } = await ended(start('--input', 'none'));
    expect({ stderr, code }).toEqual({ stderr: 'There is no input file or folder at none.\n', code: 2 });
  });
});

test('--help says what can be given', async () => {
  const { stdout, code } = await ended(start('--help'));
  expect(stdout).toContain('--input DIR|FILE|-');
  expect(code).toBe(0);
});

describe('on a database', () => {
  let store: FreshStore;
  beforeEach(async () => {
    store = await freshStore();
  });
  afterEach(() => store.drop());

  const tally = (counts: Record<string, number>) => Object.values(counts).reduce((sum, n) => sum + n, 0);

  test('a run counts what it found, for machines and for people', async () => {
    const generated = generate({ seed: 1, events: 500 });
    await writeGenerated(generated, join(folder, 'in'));
    const run = (...more: string[]) => ended(start('--input', 'in', '--database', store.url, ...more));
    const { stdout, stderr, code } = await run('--json');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const counts = JSON.parse(stdout);
    expect(counts.ingest).toMatchObject({
      records: generated.expected.records,
      deadLetters: generated.expected.deadLetters,
    });
    expect(counts.correlate.insights).toBe(generated.expected.insights);
    expect(tally(counts.rules.results)).toBe(counts.deliver.us.delivered);

    expect((await run()).stdout).toMatch(/^Files read: 0 \(\d+ were complete before\)\nRecords by source: 0\n/);
  });

  test('records come in through standard input', async () => {
    const child = start('--input', '-', '--database', store.url, '--json');
    child.stdin.end(
      `{"service":"rds","op":"DescribeDBInstances","data":{"DBInstances":[{"PubliclyAccessible":true}]}}\nnot json\n`,
    );
    expect(JSON.parse((await ended(child)).stdout)).toMatchObject({
      ingest: { records: { 'aws-resource': 1 }, deadLetters: { 'not-json': 1 } },
      rules: { results: { 'aws-database-public': 1 } },
    });
  });

  test('Ctrl-C ends a run that waits for input, at once and cleanly', async () => {
    const workload = await openWorkload(store.url);
    // The sessions of the run tell that it is at work.
    const sessions = async () =>
      (
        await workload.query({
          postgres: `select 1 from pg_stat_activity where application_name = 'pipeline' and datname = current_database()`,
          oracle: `select 1 from v$session where program = 'pipeline'`,
        })
      ).length;
    await until('the sessions of earlier runs to end', async () => (await sessions()) === 0);
    const child = start('--input', '-', '--database', store.url, '--json');
    await until('the run to log on', async () => (await sessions()) > 0);
    child.stdin.write('{"half a li');
    child.kill('SIGINT');
    const { stdout, stderr, code } = await ended(child);
    expect({ stderr, code }).toEqual({ stderr: '', code: 130 });
    expect(JSON.parse(stdout).ingest).toMatchObject({ records: {}, deadLetters: {} });
    await workload.pool.close();
  });

  test('a run that Ctrl-C stopped is completed by the next one', async () => {
    const generated = generate({ seed: 2, events: 8_000 });
    await writeGenerated(generated, join(folder, 'in'));
    const child = start('--input', 'in', '--database', store.url, '--json');
    const workload = await openWorkload(store.url);
    const batches = () => workload.query('select source from ingest_progress where elements >= 500');
    await until('a whole batch to be in, whatever its file begins with', async () => (await batches()).length > 0);
    child.kill('SIGINT');
    const first = await ended(child);
    expect(first.code).toBe(130);
    const second = await ended(start('--input', 'in', '--database', store.url, '--json'));
    expect(second.code).toBe(0);
    const records = [first, second].map(({ stdout }) => tally(JSON.parse(stdout).ingest.records));
    expect(records[0]).toBeGreaterThan(0);
    expect(records[0]! + records[1]!).toBe(tally(generated.expected.records));
    expect(await workload.query('select id from insights')).toHaveLength(generated.expected.insights);
    await workload.pool.close();
  });

  test('that refuses in the middle of a run, the run says so in one sentence', async () => {
    const workload = await openWorkload(store.url);
    await workload.execute('alter table ingest_progress add constraint refusing check (elements < 0)');
    await workload.pool.close();
    const { stderr, code } = await ended(start('--input', 'in', '--database', store.url));
    expect(stderr).toMatch(DATABASE_FAILED[STORE]);
    expect(code).toBe(1);
  });
});
