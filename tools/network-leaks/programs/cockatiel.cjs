// A signal that lives as long as the service: each call left its listener there; taken off again since 3.2.0.
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');
const { timeout, TimeoutStrategy } = require(`cockatiel-${version}`);

const stopping = new AbortController();
const policy = timeout(1000, TimeoutStrategy.Aggressive);

async function answer() {
  await policy.execute(() => sleep(1), stopping.signal); // leaks
}

settle(answer, { times: 40 });
