/**
 * The preload: `node --require outlive/register app.js`. Loading it twice does nothing more. The probe itself is loaded
 * inside the guard: not even a broken installation may keep the service from starting.
 */
const PROBE = Symbol.for('outlive.probe');

// a child of a supported process may run on something older, or on something else that reads NODE_OPTIONS
const isSupported = Number(process.versions.node.split('.')[0]) >= 20 && !process.versions.bun;

if (isSupported && !Object.hasOwn(globalThis, PROBE)) {
  try {
    const { cpuNow } = require('./runtime.js') as typeof import('./runtime.ts');
    const began = cpuNow();
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
