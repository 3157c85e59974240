// usage: jobs.cjs leak|clean. Twelve jobs, of which every second forgets.
const { scope } = require('outlive');
const { MongoClient } = require('mongodb');

const [variant] = process.argv.slice(2);

async function main() {
  const url = process.env.MONGODB_URL;
  const client = await new MongoClient(url).connect();
  for (let n = 0; n < 12; n++) {
    await scope('job', () => job(client, url, variant === 'clean' || n % 2 === 0));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  await client.close();
  process.exit();
}

async function job(client, url, isDone) {
  const session = client.startSession(); // a session
  const cursor = client.db('shop').collection('orders').find({}); // a cursor
  await cursor.next();
  const own = new MongoClient(url); // a client
  await own.connect();
  if (!isDone) return;
  await cursor.close();
  await session.endSession();
  await own.close();
}

main();
