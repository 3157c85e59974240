/** Whether telemetry has anywhere to go; asked once a second, before any of it is loaded. */

/** Where the API registers what a service has set up; the key is part of its contract between copies of itself. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** Whether the service has an SDK that takes metrics. Costs a look-up. */
export function hasSdk(): boolean {
  return (globalThis as { [REGISTRY]?: { metrics?: unknown } })[REGISTRY]?.metrics !== undefined;
}

export function hasEndpoint(): boolean {
  const { env } = process;
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  return ['', '_METRICS', '_LOGS'].some((of) => env[`OTEL_EXPORTER_OTLP${of}_ENDPOINT`]);
}

export function isWanted(when: 'auto' | 'on' | 'off'): boolean {
  return when === 'on' || (when === 'auto' && (hasSdk() || hasEndpoint()));
}
