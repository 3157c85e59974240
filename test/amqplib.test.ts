/** amqplib on a real RabbitMQ: `npm run test:rabbitmq`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture, lineOf, placeOf, probed, watched } from './support/probed.ts';
import { HAS_RABBITMQ, startRabbitMq } from './support/rabbitmq.ts';

const program = fixture('clients.mjs');
const IS_WANTED = process.env.OUTLIVE_TEST_RABBITMQ !== undefined;
if (IS_WANTED && !HAS_RABBITMQ) throw new Error('rabbitmq-server is not installed.');

let server: Awaited<ReturnType<typeof startRabbitMq>> | undefined;
beforeAll(async () => {
  if (IS_WANTED) server = await startRabbitMq();
}, 120_000);
afterAll(() => server?.stop());

const run = async (...args: string[]) => {
  const ended = await probed(program, args, { env: { ...server?.env, OUTLIVE_GRACE_MS: '100' } });
  expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  return ended.report;
};

test.runIf(IS_WANTED)(
  'amqplib: channels, consumers and connections are found at the lines that made them',
  async () => {
    const { findings } = await run('amqplib', 'leak');
    const found = findings.map((finding) => [placeOf(finding), finding.library, finding.count]);
    expect(found.sort()).toEqual([
      [lineOf(program, '// a channel of amqplib'), 'amqplib channel', 6],
      [lineOf(program, '// a consumer of amqplib'), 'amqplib consumer', 6],
      [lineOf(program, '// a connection of amqplib'), 'amqplib', 6],
    ]);
    expect(findings.map(({ certainty }) => certainty)).toEqual(['likely', 'likely', 'likely']);
  },
);

test.runIf(IS_WANTED)('amqplib: closed and cancelled they are silent, and those for life too', async () => {
  const report = await run('amqplib', 'clean');
  expect(report.findings).toEqual([]);
  expect(watched(report, 'amqplib channel')).toEqual({ acquired: 25, released: 25 });
  expect(watched(report, 'amqplib consumer')).toEqual({ acquired: 13, released: 13 });
  expect(watched(report, 'amqplib')).toEqual({ acquired: 13, released: 13 });
});

test.runIf(IS_WANTED)('amqplib: a connection that is asked for by callback', async () => {
  const { findings } = await run('amqplib by callbacks', 'leak');
  const line = lineOf(program, '// a connection by callback').replace(/\d+$/, (number) => String(Number(number) + 1));
  expect(findings.map((finding) => [placeOf(finding), finding.library, finding.count])).toEqual([[line, 'amqplib', 6]]);
  expect((await run('amqplib by callbacks', 'clean')).findings).toEqual([]);
});
