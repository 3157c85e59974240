// A circuit breaker for a job: shutdown() left its two intervals running; cleared since 4.2.0.
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');
const CircuitBreaker = require(`opossum-${version}`);

async function call() {
  const breaker = new CircuitBreaker(() => sleep(1)); // leaks
  await breaker.fire();
  breaker.shutdown();
}

settle(call);
