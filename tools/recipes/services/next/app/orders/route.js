import { createPool } from 'generic-pool';

export const dynamic = 'force-dynamic';
const pool = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 50 });
let orders = 0;

async function reserve(order) {
  const connection = await pool.acquire(); // kept
  if (order % 2 === 1) return;
  await pool.release(connection);
}

export async function GET() {
  await reserve(orders++);
  return new Response('ok');
}
