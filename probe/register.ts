/**
 * The preload: `node --require outlive/register app.js`. Loading it twice does nothing more. The probe itself is loaded
 * inside the guard: not even a broken installation may keep the service from starting.
 */
const PROBE = Symbol.for('outlive.probe');

if (!Object.hasOwn(globalThis, PROBE)) {
  try {
    const began = performance.now();
    const { withInheritance } = require('./inherit.js') as typeof import('./inherit.ts');
    const { startProbe } = require('./probe.js') as typeof import('./probe.ts');
    const value = withInheritance(__filename, () => startProbe(began));
    Object.defineProperty(globalThis, PROBE, { value, configurable: true });
    // a service that looks through its loaded modules, or unloads them all, meets none of the probe's
    const { sep } = require('node:path') as typeof import('node:path');
    for (const file of Object.keys(require.cache)) if (file.startsWith(__dirname + sep)) delete require.cache[file];
  } catch {
    // nothing to write it to: the missing recording tells
  }
}
