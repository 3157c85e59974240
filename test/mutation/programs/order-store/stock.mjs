import { setTimeout as sleep } from 'node:timers/promises';
import { store } from './store.mjs';

export async function reserve(n) {
  const connection = await store.lease(); // acquires: stock
  if (n % 5 === 0) {
    await store.giveBack(connection); // gives back: stock
    return false;
  }
  await sleep(3);
  await store.giveBack(connection); // gives back: stock
  return true;
}
