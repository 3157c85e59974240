// Listeners on targets and signals that live as long as the service: jobs add theirs and take them away; no scopes.
// held by nature: work, request, watcher, by what is listened to, which is kept and calls them
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import run from '../run.cjs';

const shutdown = new AbortController();
const flags = new EventTarget();

function untilShutdown(signal, work) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true }); // acquires: work
    work().then(
      (value) => {
        signal.removeEventListener('abort', onAbort); // gives back: work
        resolve(value);
      },
      (error) => {
        signal.removeEventListener('abort', onAbort); // gives back: work
        reject(error);
      },
    );
  });
}

async function request(n) {
  const own = new AbortController();
  const seen = [];
  flags.addEventListener('change', (event) => seen.push(event), { signal: own.signal }); // acquires: request
  try {
    flags.dispatchEvent(new Event('change'));
    await sleep(n % 3);
    if (n % 5 === 1) throw new Error('closed');
    return seen.length;
  } finally {
    own.abort(); // gives back: request
  }
}

class Watcher {
  constructor() {
    flags.addEventListener('reload', this); // acquires: watcher
  }
  handleEvent() {}
  stop() {
    flags.removeEventListener('reload', this); // gives back: watcher
  }
}

run(
  async () => {
    for (let n = 0; n < 260; n++) {
      const watcher = new Watcher();
      const work = async () => {
        await sleep(1);
        if (n % 2) throw new Error('odd');
      };
      await Promise.all([request(n).catch(() => {}), untilShutdown(shutdown.signal, work).catch(() => {})]);
      watcher.stop();
      await sleep(1);
    }
    // that one was taken away shows at the next look: so long it may have been in use
    await sleep(2400);
  },
  () => ({
    work: getEventListeners(shutdown.signal, 'abort').length,
    request: getEventListeners(flags, 'change').length,
    watcher: getEventListeners(flags, 'reload').length,
  }),
);
