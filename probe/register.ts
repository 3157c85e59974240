/**
 * The preload: `node --require outlive/register app.js`. Loading it twice does nothing more. The probe itself is loaded
 * inside the guard: not even a broken installation may keep the service from starting.
 */
const PROBE = Symbol.for('outlive.probe');

// a child of a supported process may run on something older, or on something else that reads NODE_OPTIONS
const isSupported = Number(process.versions.node.split('.')[0]) >= 20 && !process.versions.bun;

if (isSupported && !Object.hasOwn(globalThis, PROBE)) {
  try {
    // to load the probe is most of what a start costs; written so that Node.js 12, too, can read this far
    const usage = (process as { threadCpuUsage?: typeof process.cpuUsage }).threadCpuUsage || process.cpuUsage;
    const began = usage.call(process);
    const { loadOnDemand, hideModules } = require('./process/on-demand.js') as typeof import('./process/on-demand.ts');
    const { startProbe } = loadOnDemand((load) => load('./probe.js') as typeof import('./probe.ts'));
    Object.defineProperty(globalThis, PROBE, { value: startProbe(__filename, began), configurable: true });
    hideModules(__filename);
  } catch {
    // nothing to write it to: the missing recording tells
  }
}
