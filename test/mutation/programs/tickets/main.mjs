// Producers and admins of kafkajs for a job; jobs are scopes.

import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { scope } from 'outlive';
import run from '../run.cjs';

// its own timers are set to negative times
process.removeAllListeners('warning');
const kafka = new Kafka({ brokers: [process.env.KAFKA_BROKER], logLevel: logLevel.NOTHING });
const out = { producers: 0, admins: 0 };

async function send(n) {
  const producer = kafka.producer({ allowAutoTopicCreation: false }); // acquires: producer
  producer.on('producer.disconnect', () => out.producers--);
  await producer.connect(); // acquires: producer
  out.producers++;
  try {
    await sleep(2);
    if (n % 6 === 5) throw new Error('no topic');
  } finally {
    await producer.disconnect(); // gives back: producer
  }
}

async function prepare(n) {
  const admin = kafka.admin(); // acquires: admin
  admin.on('admin.disconnect', () => out.admins--);
  await admin.connect(); // acquires: admin
  out.admins++;
  await sleep(n % 3);
  await admin.disconnect(); // gives back: admin
}

run(
  async () => {
    for (let n = 0; n < 40; n++) {
      await Promise.all([scope('send', () => send(n)).catch(() => {}), scope('prepare', () => prepare(n))]);
      await sleep(10);
    }
  },
  () => out,
);
