// A client that was closed left the timer of its pings, and sent them to a closed connection
const { setTimeout: sleep } = require('node:timers/promises');
const { createClient } = require('@redis/client');

async function main() {
  for (let n = 0; n < 10; n++) {
    const client = createClient({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}`, pingInterval: 60_000 });
    client.on('error', () => {});
    await client.connect(); // leaks here
    await client.get('key');
    await client.quit();
  }
  await sleep(2500);
  process.exit();
}

main();
