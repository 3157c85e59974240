// A shop: each order borrows a connection, and one that fails keeps it.
const http = require('node:http');
const { createPool } = require('generic-pool');
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });
async function reserve(order) {
  const connection = await pool.acquire(); // kept
  if (order % 2 === 1) return;
  await pool.release(connection);
}
let orders = 0;
const all = [];
const server = http.createServer(async (request, response) => {
  while (request.url === '/all') all.push(Buffer.alloc(1e6, 1)); // until there is no memory left
  await reserve(orders++);
  response.end('ok');
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(`port ${server.address().port}`));
