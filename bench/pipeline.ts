/**
 * The pipeline beside the limits in its path, in one run on one machine: what is left of each when all work together.
 *
 *   node bench/pipeline.ts [--events 100000] [--rounds 3] [--nats nats://HOST:PORT]
 *   node bench/pipeline.ts --followed-at 1000      only the time from arrival to insight, at so many events a second
 *
 * Wall-clock rates say something only against others of the same round; CPU time an event is the figure to keep.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { followPipeline } from '../pipeline/follow.ts';
import { GENERATED_REGIONS, generate, writeGenerated } from '../pipeline/generate.ts';
import { messageOf } from '../pipeline/jobs/ingest-writer.ts';
import { loadIntel } from '../pipeline/jobs/intel-files.ts';
import { judge } from '../pipeline/jobs/judge.ts';
import { loadRules } from '../pipeline/jobs/rule-set.ts';
import { createTables } from '../pipeline/jobs/tables.ts';
import { runPipeline } from '../pipeline/pipeline.ts';
import { curate } from '../pipeline/records/curate.ts';
import { elementsOf } from '../pipeline/records/elements.ts';
import { chunksOf, filesOf } from '../pipeline/records/files.ts';
import type { CloudRecord } from '../pipeline/records/record.ts';
import { Sink } from '../pipeline/sinks/sink.ts';
import { createDatabase, openPool } from '../pipeline/store/database.ts';
import { startPostgres } from '../pipeline/store/embedded.ts';
import { prepareSchema } from '../pipeline/store/schema.ts';
import type { ConnectionPool } from '../pipeline/store/store.ts';
import { openStream } from '../pipeline/streams/open.ts';
import type { Stream } from '../pipeline/streams/stream.ts';
import { serverSeconds } from './server-seconds.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    nats: { type: 'string' },
    'followed-at': { type: 'string' },
  },
});
const events = Number(values.events);

interface Figure {
  seconds: number;
  /** Microseconds of CPU an event: ours and the database's. */
  own: number;
  database: number;
  note: string;
}

const folder = await mkdtemp(join(tmpdir(), 'outlive-bench-'));
const server = await startPostgres();
const bundled = (name: string) => new URL(`../pipeline/rules/${name}`, import.meta.url).pathname;
const rules = await loadRules(bundled(''));
const intel = await loadIntel(bundled('intel/example.txt'));

async function measured(work: () => Promise<string | undefined>): Promise<Figure> {
  const [began, own, database] = [performance.now(), process.cpuUsage(), serverSeconds(server)];
  const note = (await work()) ?? '';
  const { user, system } = process.cpuUsage(own);
  return {
    seconds: (performance.now() - began) / 1000,
    own: (user + system) / events,
    database: ((serverSeconds(server) - database) * 1e6) / events,
    note,
  };
}

interface Bench {
  pool: ConnectionPool;
  stream: Stream;
  url: string;
}

/** On a database of its own. */
async function onDatabase<T>(work: (bench: Bench) => Promise<T>, stream?: string): Promise<T> {
  const database = await createDatabase(server.url, `bench_${process.hrtime.bigint()}`);
  const pool = await openPool({ url: database.url, name: 'bench', max: 8 });
  const connection = await pool.acquire();
  await prepareSchema(connection);
  connection.release();
  await createTables(pool);
  const opened = await openStream({ url: stream, pool, partitions: 4 });
  try {
    return await work({ pool, stream: opened.stream, url: database.url });
  } finally {
    await opened.close();
    await pool.close();
    await database.drop();
  }
}

async function* records(): AsyncGenerator<CloudRecord[]> {
  let batch: CloudRecord[] = [];
  for await (const file of filesOf(folder)) {
    for await (const some of file.problem ? [] : elementsOf(chunksOf(file.path))) {
      for (const element of some) {
        try {
          if ('value' in element) batch.push(...curate(element.value));
        } catch {} // a dead letter
        if (batch.length < 2_000) continue;
        yield batch;
        batch = [];
      }
    }
  }
  yield batch;
}

const write = ({ stream }: Bench) =>
  measured(async () => {
    for (const batch of everything) await stream.publish('records', batch.map(messageOf));
    return undefined;
  });

const read = async ({ stream, pool }: Bench) => {
  for (const batch of everything) await stream.publish('records', batch.map(messageOf));
  return measured(async () => {
    for await (const batch of stream.drain('records', 'bench', { maxBatch: 2_000 })) {
      const connection = await pool.acquire();
      await connection.begin();
      await batch.commit(connection);
      await connection.commit();
      connection.release();
    }
    return undefined;
  });
};

async function endToEnd({ pool, stream, url }: Bench, keepRecords: boolean): Promise<Figure> {
  const sinks = GENERATED_REGIONS.all.map((region) => new Sink({ region, url }));
  const settings = { pool, stream, input: folder, rules, intel, regions: GENERATED_REGIONS, sinks, keepRecords };
  const figure = await measured(async () => {
    await runPipeline(settings);
    return undefined;
  });
  for (const sink of sinks) await sink.close();
  const connection = await pool.acquire();
  const size = `select sum(pg_total_relation_size(oid)) as bytes from pg_class where relname like 'stream_%' and relkind = 'r'`;
  const [[{ bytes } = { bytes: 0 }], [{ n } = { n: 0 }]] = [
    await connection.query<{ bytes: number }>(size),
    await connection.query<{ n: number }>('select count(*) as n from insights'),
  ];
  connection.release();
  return { ...figure, note: `${n} insights, ${Math.round(Number(bytes) / events)} bytes an event in the log` };
}

/**
 * Seconds from a line's arrival to its insight, at `rate` events a second; and, as the control, those that the commit of
 * one row took on the same machine meanwhile.
 */
async function latency({ pool, stream, url }: Bench, rate: number): Promise<{ seen: number[]; commits: number[] }> {
  const sinks = GENERATED_REGIONS.all.map((region) => new Sink({ region, url }));
  const { lines } = generate({ seed: 3, events: rate * 10 });
  const stopping = new AbortController();
  const seen: number[] = [];
  const commits: number[] = [];
  let marks = 0;
  async function* arriving(): AsyncGenerator<Buffer> {
    for (let second = 0; second < 10; second += 0.1) {
      const some = lines.splice(0, Math.ceil(rate / 10));
      yield Buffer.from(`${some.join('\n')}\n${marked(marks++, Date.now())}\n`);
      await delay(100);
    }
  }
  const look = (async () => {
    while (!stopping.signal.aborted) {
      const connection = await pool.acquire();
      const began = performance.now();
      await connection.execute('insert into replayed_letters values ($1)', [`control ${began}`]);
      commits.push((performance.now() - began) / 1000);
      const rows = await connection.query<{ entity: string }>(
        `select entity from insights where entity like 'actor mark-%' order by entity`,
      );
      connection.release();
      for (const { entity } of rows.slice(seen.length)) seen.push((Date.now() - Number(entity.split('-')[2])) / 1000);
      await delay(20);
    }
  })();
  const patiently = <T>(work: (isWell: () => void) => Promise<T>) => work(() => {});
  const settings = { pool, stream, rules, intel, regions: GENERATED_REGIONS, sinks, patiently };
  await followPipeline({ ...settings, input: '-', stdin: arriving() });
  await delay(100);
  stopping.abort();
  await look;
  for (const sink of sinks) await sink.close();
  return { seen, commits };
}

/** An event that a rule finds, of an actor of its own: so it makes an insight. */
function marked(number: number, time: number): string {
  return JSON.stringify({
    ...{ eventID: `mark-${number}`, eventName: 'StopLogging', eventSource: 'cloudtrail.amazonaws.com' },
    ...{ eventTime: '2026-01-05T08:10:00Z', awsRegion: 'eu-west-1', recipientAccountId: '111122223333' },
    userIdentity: { arn: `mark-${String(number).padStart(4, '0')}-${time}` },
  });
}

function print(name: string, figures: Figure[]): { rate: number; cpu: number } {
  const middle = (of: (figure: Figure) => number) => figures.map(of).sort((a, b) => a - b)[figures.length >> 1]!;
  const rate = Math.round(events / middle(({ seconds }) => seconds));
  const cells = [
    name.padEnd(44),
    rate.toLocaleString('en').padStart(9),
    middle(({ own }) => own)
      .toFixed(1)
      .padStart(7),
    middle(({ database }) => database)
      .toFixed(1)
      .padStart(9),
  ];
  console.log(`${cells.join(' ')}  ${figures[0]!.note}`);
  return { rate, cpu: middle(({ own, database }) => own + database) };
}

async function printLatency(rate: number): Promise<void> {
  const { seen, commits } = await onDatabase((bench) => latency(bench, rate));
  const words = (seconds: number[]) => {
    const sorted = seconds.sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(3);
    return `median ${at(0.5)} s, p95 ${at(0.95)} s, longest ${at(1)} s`;
  };
  console.log(
    `Followed at ${rate} events/s, arrival to insight: ${words(seen)}; a commit meanwhile: ${words(commits)}.`,
  );
}

const everything: CloudRecord[][] = [];

/** Prints all of it; gives the events a second from end to end. */
async function compare(): Promise<number> {
  await writeGenerated(generate({ seed: 1, events }), folder);
  for await (const batch of records()) everything.push(batch);
  const works: [string, () => Promise<Figure>][] = [
    [
      'limit: JSON.parse of the files',
      () =>
        measured(async () => {
          for await (const { path, problem } of filesOf(folder)) {
            if (problem || !path.endsWith('.jsonl')) continue;
            for (const line of (await readFile(path, 'utf8')).split('\n')) {
              try {
                JSON.parse(line);
              } catch {} // one of the broken ones
            }
          }
          return undefined;
        }),
    ],
    [
      'limit: read, curate, match; no stream',
      () =>
        measured(async () => {
          let matched = 0;
          for await (const batch of records()) {
            for (const record of batch) matched += judge(record, { rules, intel }).matched.length;
          }
          return `${matched} results`;
        }),
    ],
    ['limit: all records into the log table', () => onDatabase(write)],
    ['limit: all records out of the log table', () => onDatabase(read)],
    ['end to end', () => onDatabase((bench) => endToEnd(bench, false))],
    ['end to end, --keep-records', () => onDatabase((bench) => endToEnd(bench, true))],
  ];
  if (values.nats) {
    const named = () => `${values.nats}/bench${process.hrtime.bigint()}`;
    works.push(
      ['limit: all records into JetStream', () => onDatabase(write, named())],
      ['end to end on JetStream', () => onDatabase((bench) => endToEnd(bench, false), named())],
      ['end to end on JetStream, --keep-records', () => onDatabase((bench) => endToEnd(bench, true), named())],
    );
  }
  const figures = new Map<string, Figure[]>(works.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, work] of works) figures.get(name)!.push(await work());
  }
  console.log(`${events} events, medians of ${values.rounds} rounds\n`);
  console.log(`${' '.repeat(44)}  events/s CPU µs database µs an event`);
  const rates = new Map([...figures].map(([name, own]) => [name, print(name, own)]));
  const rate = rates.get('end to end')!.rate;
  for (const [name, of] of [
    ['end to end', /^limit.*match/],
    ['end to end, --keep-records', /^limit.*(match|log table)/],
  ] as const) {
    const limits = [...rates].filter(([limit]) => of.test(limit)).map(([, each]) => each);
    const slowest = Math.min(...limits.map((each) => each.rate));
    const dearest = Math.max(...limits.map((each) => each.cpu));
    const own = rates.get(name)!;
    const shares = `${(own.rate / slowest).toFixed(2)} by the clock, ${(dearest / own.cpu).toFixed(2)} by CPU time`;
    console.log(`${name}: of the slowest limit in its path ${shares}`);
  }
  return rate;
}

try {
  const followed = values['followed-at'] === undefined ? (await compare()) / 10 : Number(values['followed-at']);
  await printLatency(Math.round(followed));
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}
