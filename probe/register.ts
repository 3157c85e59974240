/**
 * The preload: `node --require outlive/register app.js`. Loading it twice does nothing more. The probe itself is loaded
 * inside the guard: not even a broken installation may keep the service from starting.
 */
const PROBE = Symbol.for('outlive.probe');

if (!Object.hasOwn(globalThis, PROBE)) {
  try {
    const { startProbe } = require('./probe.js') as typeof import('./probe.ts');
    Object.defineProperty(globalThis, PROBE, { value: startProbe(), configurable: true });
  } catch {
    // nothing to write it to: the missing recording tells
  }
}
