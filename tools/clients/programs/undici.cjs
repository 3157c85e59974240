// usage: undici.cjs leak|clean. Jobs that make HTTP clients of their own, of which every second leaking one closes none.
const { createServer } = require('node:http');
const { scope } = require('outlive');
const { Agent, BalancedPool, Client, Pool, request } = require('undici');

const isLeaking = process.argv[2] === 'leak';
const kept = [];

async function main() {
  const server = createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end('fine'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const shared = [new Agent({ connections: 2 }), new Pool(url)];
  for (let n = 0; n < 16; n++) await scope('job', () => job(url, shared, isLeaking && n % 2 === 0));
  setTimeout(() => process.exit(), 900);
}

async function job(url, shared, isForgetful) {
  const agent = new Agent(); // an agent
  const pool = new Pool(url); // a pool
  const client = new Client(url); // a client
  const balanced = new BalancedPool([url]); // a pool of pools
  kept.push(agent, pool, client, balanced);
  for (const dispatcher of [...shared, agent, pool, client, balanced]) {
    const { body } = await request(url, { dispatcher });
    await body.text();
  }
  if (isForgetful) return;
  await agent.close();
  await pool.destroy();
  await new Promise((resolve) => client.close(resolve));
  await balanced.close();
}

main();
