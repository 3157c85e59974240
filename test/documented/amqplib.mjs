import { once } from 'node:events';
import amqp from 'amqplib';
import callbacks from 'amqplib/callback_api';
import { answers, errorOf, ownOf } from './outcomes.mjs';

const url = process.env.AMQP_URL;

export async function open() {
  const connection = await amqp.connect(url);
  return { connection, channel: await connection.createChannel() };
}

export async function close() {}

const own = { exclusive: true };
const received = (channel, queue, options) =>
  new Promise((resolve) => {
    channel.consume(queue, resolve, options);
  });

export const documented = {
  'names and arities': ({ connection, channel }) => [
    ...[amqp.connect, callbacks.connect, connection.createChannel, connection.close],
    ...[channel.consume, channel.close, channel.sendToQueue, channel.ack],
  ],
  'own properties': ({ connection, channel }) => [ownOf(connection), ownOf(channel)],
  'a queue with a name is asserted': ({ channel }) => channel.assertQueue('documented', own),
  'sent and consumed': async ({ channel }) => {
    const sent = channel.sendToQueue('documented', Buffer.from('hello'), { headers: { a: 1 } });
    const message = await received(channel, 'documented', { consumerTag: 'one' });
    channel.ack(message);
    return [sent, message.content.toString(), message.properties.headers, await channel.cancel('one')];
  },
  'get, nack, and an empty queue': async ({ channel }) => {
    channel.sendToQueue('documented', Buffer.from('again'));
    await channel.checkQueue('documented');
    const first = await channel.get('documented');
    channel.nack(first);
    const second = await channel.get('documented', { noAck: true });
    return [first.content.toString(), second.fields.redelivered, await channel.get('documented')];
  },
  'exchanges and bindings': async ({ channel }) => {
    await channel.assertExchange('documented.news', 'fanout', { autoDelete: true });
    await channel.bindQueue('documented', 'documented.news', '');
    channel.publish('documented.news', '', Buffer.from('to all'));
    const message = await received(channel, 'documented', { consumerTag: 'two', noAck: true });
    await channel.cancel('two');
    return [message.fields.exchange, message.content.toString()];
  },
  'prefetch, purge and delete': async ({ channel }) => {
    await channel.assertQueue('documented.other', own);
    return [
      await channel.prefetch(1),
      await channel.purgeQueue('documented.other'),
      await channel.deleteQueue('documented.other'),
    ];
  },
  confirms: async ({ connection }) => {
    const channel = await connection.createConfirmChannel();
    const [error] = await answers((told) => channel.sendToQueue('documented', Buffer.from('sure'), {}, told));
    await channel.waitForConfirms();
    await channel.purgeQueue('documented');
    return [error, await channel.close()];
  },
  'a channel that the server closes': async ({ connection }) => {
    const channel = await connection.createChannel();
    const failed = once(channel, 'error');
    const closed = new Promise((resolve) => channel.on('close', resolve));
    const { code } = await errorOf(() => channel.checkQueue('none'));
    const [error] = await failed;
    await closed;
    return [code, error.code, (await errorOf(() => channel.checkQueue('none'))).name];
  },
  'a closed channel': async ({ connection }) => {
    const channel = await connection.createChannel();
    const closed = once(channel, 'close');
    await channel.close();
    await closed;
    return [
      await errorOf(() => channel.close()),
      await errorOf(() => channel.sendToQueue('documented', Buffer.from(''))),
    ];
  },
  'by callbacks': async () => {
    const [error, connection] = await answers((told) => callbacks.connect(url, told));
    const [failed, channel] = await answers((told) => connection.createChannel(told));
    const [none, { queue }] = await answers((told) => channel.assertQueue('documented.callbacks', own, told));
    channel.sendToQueue(queue, Buffer.from('hello'));
    const message = await received(channel, queue, { noAck: true });
    return [error, failed, none, queue, message.content.toString(), await answers((told) => connection.close(told))];
  },
  'a server that is not there': async () => (await errorOf(() => amqp.connect('amqp://127.0.0.1:1'))).code,
  'a closed connection': async ({ connection }) => {
    const closed = once(connection, 'close');
    await connection.close();
    await closed;
    return [await errorOf(() => connection.createChannel()), (await errorOf(() => connection.close())).name];
  },
};
