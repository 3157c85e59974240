/**
 * In place of ../programs/run.cjs: the program's work becomes a test, which ends when it hangs, and says so: after the
 * milliseconds that stand beside it.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const LIMIT_MS = Number(readFileSync(path.join(__dirname, 'limit'), 'utf8'));

// a runner may load this file once for those that require it, and once for those that import it
globalThis.programs ??= {};
globalThis.programs[__dirname] ??= [];
const tests = globalThis.programs[__dirname];

/** `atStart` is what a service makes for its whole life, `atEnd` what it stops in the end. */
module.exports = function run(work, _stillOut, { atStart, atEnd } = {}) {
  atStart?.();
  tests.push(async () => {
    const limit = new AbortController();
    const cutOff = () => writeFileSync(path.join(__dirname, 'cut-off'), '');
    const limited = sleep(LIMIT_MS, null, { signal: limit.signal }).then(cutOff, () => {});
    await Promise.race([work().catch(console.error), limited]);
    limit.abort();
    await atEnd?.();
  });
};
module.exports.tests = tests;
