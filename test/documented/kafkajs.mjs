/** On a stand-in for the broker, which knows how clients connect: what is tested is the library's own side. */
import kafkajs from 'kafkajs';
import { listen } from '../fixtures/programs/kafka-standin.mjs';
import { errorOf, ownOf } from './outcomes.mjs';

const { Kafka, logLevel, KafkaJSConnectionError, KafkaJSNonRetriableError, Partitioners, CompressionTypes } = kafkajs;
const kafkaOf = (port, options) =>
  new Kafka({ clientId: 'documented', brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, ...options });
const CLIENTS = {
  producer: (kafka) => kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }),
  consumer: (kafka) => kafka.consumer({ groupId: 'readers' }),
  admin: (kafka) => kafka.admin(),
};

export async function open() {
  const server = await listen();
  return { server, kafka: kafkaOf(server.address().port) };
}

export async function close({ server }) {
  server.close();
}

/** The events of a client that connects and disconnects. */
async function eventsOf(client) {
  const seen = [];
  for (const name of Object.values(client.events)) client.on(name, ({ id, type }) => seen.push([id, type]));
  await client.connect();
  await client.disconnect();
  return seen.filter(([, type]) => !type.includes('network'));
}

const each = (work) => Object.fromEntries(Object.entries(CLIENTS).map(([name, make]) => [name, work(make)]));
/** The same for a producer, a consumer and an admin. */
const rows = (title, work) =>
  Object.fromEntries(
    Object.entries(CLIENTS).map(([name, make]) => [`${name}: ${title}`, (with_) => work(make, with_)]),
  );

export const documented = {
  'names and arities of what makes clients': ({ kafka }) => [kafka.producer, kafka.consumer, kafka.admin, kafka.logger],
  'clients are objects of functions': ({ kafka }) => each((make) => ownOf(make(kafka))),
  ...rows('names and arities', (make, { kafka }) => {
    const { connect, disconnect, on, logger } = make(kafka);
    return [connect, disconnect, on, logger];
  }),
  ...rows('connect and disconnect give nothing', async (make, { kafka }) => {
    const client = make(kafka);
    return [await client.connect(), await client.disconnect()];
  }),
  ...rows('events of its life', (make, { kafka }) => eventsOf(make(kafka))),
  ...rows('connects again', async (make, { kafka }) => {
    const client = make(kafka);
    await client.connect();
    await client.disconnect();
    await client.connect();
    return client.disconnect();
  }),
  ...rows('is disconnected twice', async (make, { kafka }) => {
    const client = make(kafka);
    await client.connect();
    return [await client.disconnect(), await client.disconnect()];
  }),
  ...rows('on gives what takes a listener off', async (make, { kafka }) => {
    const client = make(kafka);
    let heard = 0;
    const off = client.on(client.events.CONNECT, () => heard++);
    off();
    await client.connect();
    await client.disconnect();
    return [typeof off, heard];
  }),
  ...rows('an unknown event is an error', async (make, { kafka }) => {
    const error = await errorOf(async () => make(kafka).on('nothing', () => {}));
    return [error.message, error instanceof KafkaJSNonRetriableError];
  }),
  ...rows('a broker that is not there', async (make) => {
    const client = make(kafkaOf(1, { retry: { retries: 0 }, connectionTimeout: 500 }));
    const error = await errorOf(() => client.connect());
    return [error.name, error.cause instanceof KafkaJSConnectionError || error instanceof KafkaJSConnectionError];
  }),
  'who is not connected sends nothing': ({ kafka }) =>
    errorOf(() => CLIENTS.producer(kafka).send({ topic: 'orders', messages: [{ value: 'x' }] })),
  'topics and messages are checked': async ({ kafka }) => {
    const producer = CLIENTS.producer(kafka);
    await producer.connect();
    const errors = [
      await errorOf(() => producer.send({ messages: [] })),
      await errorOf(() => producer.send({ topic: 'orders' })),
      await errorOf(() => producer.sendBatch({ topicMessages: [{ topic: 'orders' }] })),
    ];
    await producer.disconnect();
    return errors;
  },
  'options that are missing': async ({ kafka }) => [
    await errorOf(async () => kafka.consumer()),
    await errorOf(async () => kafka.consumer({})),
    await errorOf(async () => new Kafka({}).producer().connect()),
  ],
  'a consumer is told what it reads': async ({ kafka }) => [
    await errorOf(() => CLIENTS.consumer(kafka).subscribe({})),
    await errorOf(async () => CLIENTS.consumer(kafka).seek({ topic: 'orders', partition: 0, offset: '0' })),
    CLIENTS.consumer(kafka).paused(),
  ],
  'an admin’s arguments are checked': async ({ kafka }) => [
    await errorOf(() => CLIENTS.admin(kafka).createTopics({})),
    await errorOf(() => CLIENTS.admin(kafka).fetchOffsets({})),
    await errorOf(() => CLIENTS.admin(kafka).deleteGroups([1]).then(String)),
  ],
  'a logger of the asker’s': async ({ server }) => {
    const told = [];
    const logCreator = () => (entry) => told.push(entry.namespace);
    const kafka = kafkaOf(server.address().port, { logLevel: logLevel.INFO, logCreator });
    kafka.logger().info('own');
    return told;
  },
  'a partitioner of the asker’s': ({ kafka }) =>
    ownOf(kafka.producer({ createPartitioner: () => () => 0, idempotent: true })).length,
  'exports of the package': () => [ownOf(kafkajs), CompressionTypes],
};
