import { Queue, QueueEvents, Worker } from 'bullmq';

const connection = { host: '127.0.0.1', port: Number(process.env.REDIS), maxRetriesPerRequest: null };
const queue = new Queue('q', { connection });
const events = new QueueEvents('q', { connection });
new Worker(
  'q',
  async (job) => {
    await new Promise((r) => setTimeout(r, 5));
    return job.data;
  },
  { connection, concurrency: 5 },
);
setInterval(async () => {
  const job = await queue.add('j', { a: 1 }, { removeOnComplete: true });
  await job.waitUntilFinished(events).catch(() => {});
}, 30);
