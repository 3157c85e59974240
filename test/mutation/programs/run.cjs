/**
 * How every program here ends: it rests, so that the probe can judge what is left; has its heap written, where that is
 * asked for; then it says what is still out by its own count, which is the truth that findings are held against, and
 * exits. One that hangs, because what it waits for never comes back, ends at the limit.
 */
const { createHook } = require('node:async_hooks');
const { setTimeout: sleep } = require('node:timers/promises');

const { REST_MS = '1600', LIMIT_MS = '9000', COUNT_INTERVALS, OUTLIVE_HEAPDUMP } = process.env;

const intervals = new Set();
if (COUNT_INTERVALS) {
  const init = (_id, type, _trigger, timer) => {
    if (type === 'Timeout' && timer._repeat !== null) intervals.add(timer);
  };
  createHook({ init }).enable();
}

/** The probe has been told first. To wait for a signal does not keep a program that hangs alive: a timer does. */
const heapWritten = (signal) =>
  new Promise((resolve) => {
    setTimeout(resolve, 60_000);
    process.once(signal, resolve);
    process.kill(process.pid, signal);
  });

/** Runs the program; `stillOut()` gives what it has not got back, by name. */
module.exports = async function run(program, stillOut = () => ({})) {
  const end = async (isCutOff) => {
    if (OUTLIVE_HEAPDUMP) await heapWritten(OUTLIVE_HEAPDUMP);
    const alive = [...intervals].filter((timer) => !timer._destroyed).length;
    console.log(JSON.stringify({ isCutOff, out: { ...stillOut(), intervals: alive } }));
    process.exit(0);
  };
  setTimeout(end, Number(LIMIT_MS), true);
  await program().catch(console.error);
  await sleep(Number(REST_MS));
  await end(false);
};
