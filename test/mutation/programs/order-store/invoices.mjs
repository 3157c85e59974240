import { setTimeout as sleep } from 'node:timers/promises';
import { store } from './store.mjs';

export async function invoice(n) {
  const connection = await store.lease(); // acquires: invoice
  try {
    await sleep(4);
    if (n % 10 === 8) throw new Error('no address');
    connection.set('last', n);
  } finally {
    await store.giveBack(connection); // gives back: invoice
  }
}

export function countInvoices(n) {
  return store.with(async (connection) => {
    if (n % 6 === 1) throw new Error('not allowed');
    return connection.size;
  });
}
