// Listeners on what lives as long as the service: an emitter, and signals made of the one for shutdown; no scopes.
// held by nature: quote, limited, by the emitter and the signal that live on, and call them
import { EventEmitter, getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const prices = new EventEmitter();
const shutdown = new AbortController();
const signals = [];

async function quote(n) {
  const seen = [];
  const onPrice = (price) => seen.push(price);
  prices.on('price', onPrice); // acquires: quote
  try {
    prices.emit('price', n);
    await sleep(2);
    if (n % 6 === 2) throw new Error('closed');
    return seen;
  } finally {
    prices.off('price', onPrice); // gives back: quote
  }
}

async function limited(n) {
  const signal = AbortSignal.any([shutdown.signal, new AbortController().signal]); // acquires: limited
  signals.push(new WeakRef(signal));
  const aborted = () => {};
  signal.addEventListener('abort', aborted);
  await sleep(n % 3);
  signal.removeEventListener('abort', aborted); // gives back: limited
}

run(
  async () => {
    for (let n = 0; n < 250; n++) {
      await Promise.all([quote(n).catch(() => {}), limited(n)]);
      await sleep(1);
    }
    // that a signal is gone shows at a collection: so long it may have been in use
    await sleep(2400);
  },
  () => ({
    prices: prices.listenerCount('price'),
    signals: signals.filter((ref) => ref.deref() && getEventListeners(ref.deref(), 'abort').length > 0).length,
  }),
);
