// A signal that lives as long as the service: each call left its listener there; taken off again since 6.1.3.
const { settle, version } = require('./settle.cjs');

const stopping = new AbortController();

async function answer() {
  const { default: pTimeout } = await import(`p-timeout-${version}`);
  await pTimeout(Promise.resolve(1), { milliseconds: 1000, signal: stopping.signal }); // leaks
}

settle(answer, { times: 40 });
