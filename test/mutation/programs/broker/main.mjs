// Channels, consumers and connections of amqplib for a job; no scopes.
// held by nature: ask, by its channel, which is kept: a consumer is an entry of that, and is called

import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import run from '../run.cjs';

const url = process.env.AMQP_URL;
const out = { connections: 0, channels: 0, consumers: 0 };
const shared = await connect(url);
const inbox = { channel: await shared.createChannel() };
inbox.queue = (await inbox.channel.assertQueue('', { exclusive: true })).queue;

async function publish(n) {
  const channel = await shared.createChannel(); // acquires: publish
  out.channels++;
  channel.once('close', () => out.channels--);
  try {
    channel.sendToQueue(inbox.queue, Buffer.from(String(n)));
    await channel.checkQueue(inbox.queue);
    if (n % 5 === 3) throw new Error('too much');
  } finally {
    await channel.close(); // gives back: publish
  }
}

async function ask(n) {
  const { channel } = inbox;
  const { queue } = await channel.assertQueue('', { autoDelete: true });
  const answered = Promise.withResolvers();
  const { consumerTag } = await channel.consume(queue, answered.resolve, { noAck: true }); // acquires: ask
  out.consumers++;
  channel.sendToQueue(queue, Buffer.from(`re: ${n}`));
  await answered.promise;
  const cancelled = await channel.cancel(consumerTag); // gives back: ask
  if (cancelled) out.consumers--;
}

async function migrate(n) {
  const connection = await connect(url); // acquires: migrate
  out.connections++;
  connection.once('close', () => out.connections--);
  await connection.createChannel();
  await sleep(n % 3);
  await connection.close(); // gives back: migrate
}

run(
  async () => {
    for (let n = 0; n < 30; n++) {
      await Promise.all([publish(n).catch(() => {}), ask(n), migrate(n)]);
      await sleep(10);
    }
  },
  () => out,
);
