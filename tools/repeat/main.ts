/**
 * `npm run scenarios:repeat`: the incidents again and again, on an idle machine, on one whose cores have something else to
 * do, and with the database held to half a core (a control group: Linux, as root). One of them by
 * `-- --times 5 --under busy -- connection-storm`. A run counts when every claim held; of others the recordings are kept.
 * Each is a line in `.outlive/repeat.jsonl` (`--results FILE`), and the table in the end is of all that the file has.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CONDITIONS } from './conditions.ts';
import { type Row, readRows, tableOf } from './rows.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const CLI = path.join(ROOT, 'dist/cli/main.js');
const UNDER = Object.keys(CONDITIONS);

const LEAKS = ['', '--in task-manager', '--in worker'].map((place) => `generation-leak ${place}`.trim());
const OVERLOADS = ['connection-storm', 'pool-contention', 'hybrid', 'pool-models'];
const SEEDS = Array.from({ length: 10 }, (_, index) => `generation-leak --seed ${index + 1}`);

/** Without a scenario: how often, where, which. */
const ALL: readonly (readonly [times: number, under: string, scenario: string])[] = [
  ...[...LEAKS, 'orphan-worker', 'driver-per-job'].map((scenario) => [10, 'idle', scenario] as const),
  ...SEEDS.map((scenario) => [1, 'idle', scenario] as const),
  ...UNDER.flatMap((under) => OVERLOADS.map((scenario) => [5, under, scenario] as const)),
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    times: { type: 'string', default: '1' },
    under: { type: 'string', default: 'idle' },
    results: { type: 'string', default: path.join(ROOT, '.outlive/repeat.jsonl') },
  },
});
const times = Number(values.times);
if (!(Number.isInteger(times) && times > 0)) refuse(`--times must be a whole number above 0, not ${values.times}.`);
if (!UNDER.includes(values.under)) refuse(`--under must be one of ${UNDER.join(', ')}, not ${values.under}.`);

const asked = positionals.length > 0 ? [[times, values.under, positionals.join(' ')] as const] : ALL;
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
if (!isRoot && asked.some(([, under]) => under === 'half')) refuse('--under half needs Linux, as root.');

function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}

/** What was begun is ended as well. */
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());

type Told = Pick<Row, 'checks' | 'comparison'>;

async function run(scenario: string, under: string): Promise<Row> {
  const out = mkdtempSync(path.join(tmpdir(), 'outlive-repeat-'));
  const began = Date.now();
  const [before] = loadavg() as [number];
  const args = [CLI, 'soak', ...scenario.split(' '), '--json', '--out', out];
  const soak = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  interruption.signal.onabort = () => soak.kill('SIGINT');
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    soak[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const ended = once(soak, 'close');
  let end = async () => {};
  try {
    end = (CONDITIONS[under] as (typeof CONDITIONS)[string])(soak);
    const [code] = (await ended) as [number | null];
    const { checks, comparison } = (texts.stdout === '' ? { checks: [] } : JSON.parse(texts.stdout)) as Told;
    const seconds = Math.round((Date.now() - began) / 1000);
    if (code === 0 || interruption.signal.aborted) rmSync(out, { recursive: true, force: true });
    const load: Row['load'] = [before, loadavg()[0] as number];
    const kept = code === 0 ? null : out;
    return { scenario, under, code, seconds, load, checks, comparison, said: texts.stderr, out: kept };
  } finally {
    // where the machine cannot be made so
    soak.kill();
    await ended;
    await end();
  }
}

mkdirSync(path.dirname(values.results), { recursive: true });
let isWell = true;
for (const [often, under, scenario] of asked) {
  for (let time = 1; time <= often; time++) {
    const row = await run(scenario, under);
    if (interruption.signal.aborted) process.exit(130);
    appendFileSync(values.results, `${JSON.stringify(row)}\n`);
    isWell &&= row.code === 0;
    const failed = row.checks.filter(({ passed }) => !passed).map(({ sentence }) => `\n  ${sentence}`);
    const why = row.checks.length === 0 ? `\n${row.said}` : failed.join('');
    const kept = row.out === null ? '' : `, kept in ${row.out}`;
    process.stdout.write(`${row.code === 0 ? '✓' : '✗'} ${scenario}, ${under}: ${row.seconds} s${kept}${why}\n`);
  }
}
process.stdout.write(`\n${tableOf(readRows(values.results))}\n`);
process.exitCode = isWell ? 0 : 1;
