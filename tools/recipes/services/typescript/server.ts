import http from 'node:http';
import { createPool } from 'generic-pool';

interface Order {
  number: number;
}
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });

async function reserve(order: Order): Promise<void> {
  const connection = await pool.acquire(); // kept
  if (order.number % 2 === 1) return;
  await pool.release(connection);
}

let orders = 0;
const server = http.createServer(async (_, response) => {
  await reserve({ number: orders++ });
  if (orders === 20) setTimeout(() => process.exit(), 1500);
  response.end('ok');
});
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as import('node:net').AddressInfo;
  for (let i = 0; i < 20; i++) await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text());
});
