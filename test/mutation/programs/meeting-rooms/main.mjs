// A pool of the service's own that publishes its leases by outlive/lease; meetings are scopes.
import { setTimeout as sleep } from 'node:timers/promises';
import { scope } from 'outlive';
import run from '../run.cjs';
import { Rooms } from './rooms.mjs';

const rooms = new Rooms(70);

async function meet(n) {
  const room = await rooms.acquire(); // acquires: meet
  try {
    await sleep(2);
    if (n % 6 === 5) throw new Error('nobody came');
    room.notes.push(n);
  } finally {
    rooms.release(room); // gives back: meet
  }
}

async function clean(n) {
  const room = await rooms.acquire(); // acquires: clean
  if (room.notes.length === 0) {
    rooms.release(room); // gives back: clean
    return;
  }
  await sleep(n % 3);
  room.notes = [];
  rooms.release(room); // gives back: clean
}

run(
  async () => {
    for (let n = 0; n < 60; n++) {
      await Promise.all([scope('meet', () => meet(n)).catch(() => {}), scope('clean', () => clean(n))]);
      await sleep(12);
    }
  },
  () => ({ lent: rooms.lent, waiting: rooms.waiting }),
);
