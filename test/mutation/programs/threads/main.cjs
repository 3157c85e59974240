// A worker thread per heavy job, message ports to an actor, and broadcasts between modules; no scopes.
const { once } = require('node:events');
const { inspect } = require('node:util');
const { setTimeout: sleep } = require('node:timers/promises');
const { BroadcastChannel, MessageChannel, Worker } = require('node:worker_threads');
const run = require('../run.cjs');

const SQUARES = `const { parentPort } = require('node:worker_threads');
parentPort.on('message', (n) => parentPort.postMessage(n * n));`;

const out = { threads: 0, ports: 0 };
// weak, so that only what the program itself holds is held
const channels = [];

async function square(n) {
  const worker = new Worker(SQUARES, { eval: true }); // acquires: worker
  out.threads++;
  worker.once('exit', () => out.threads--);
  try {
    worker.postMessage(n);
    const [result] = await once(worker, 'message');
    if (n % 6 === 4) throw new RangeError('too large');
    return result;
  } finally {
    await worker.terminate(); // gives back: worker
  }
}

/** Answers every message on a port. */
function actor(port) {
  port.on('message', (text) => port.postMessage(text.toUpperCase()));
}

async function tell(n) {
  const { port1, port2 } = new MessageChannel(); // acquires: channel
  out.ports++;
  port1.once('close', () => out.ports--);
  actor(port2);
  if (n % 5 === 3) {
    port1.close(); // gives back: channel
    return null;
  }
  port1.postMessage(`message ${n}`);
  const [answer] = await once(port1, 'message');
  port1.close(); // gives back: channel
  return answer;
}

const news = new BroadcastChannel('news');
news.onmessage = ({ data }) => news.postMessage(`re: ${data}`);
news.unref();

async function announce(n) {
  const channel = new BroadcastChannel('news'); // acquires: announce
  channels.push(new WeakRef(channel));
  const heard = new Promise((resolve) => (channel.onmessage = resolve));
  channel.postMessage(n);
  await heard;
  channel.close(); // gives back: announce
}

run(
  async () => {
    for (let n = 0; n < 24; n++) {
      await Promise.all([square(n).catch(() => {}), tell(n), announce(n)]);
      await sleep(12);
    }
  },
  () => ({ ...out, channels: channels.filter((ref) => inspect(ref.deref()).includes('active: true')).length }),
  { atEnd: () => news.close() },
);
