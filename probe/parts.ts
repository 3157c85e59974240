/** Parts that few processes need, by the names that they have when built: each is a file of its own there (build.mjs). */
import type { LoadPart } from './process/on-demand.ts';

export const PARTS = {
  inject: (load) => load('./control/inject/start.js') as typeof import('./control/inject/start.ts'),
  control: (load) => load('./control/control.js') as typeof import('./control/control.ts'),
  tests: (load) => load('./tests.js') as typeof import('./tests.ts'),
  judge: (load) => load('./judge/judge.js') as typeof import('./judge/judge.ts'),
  activeHandles: (load) => load('./record/active-handles.js') as typeof import('./record/active-handles.ts'),
  connects: (load) => load('./watch/unwatched/connects.js') as typeof import('./watch/unwatched/connects.ts'),
  bundles: (load) => load('./watch/unwatched/bundles.js') as typeof import('./watch/unwatched/bundles.ts'),
  published: (load) => load('./watch/pools/published.js') as typeof import('./watch/pools/published.ts'),
  heapSnapshot: (load) => load('./proof/heap-snapshot.js') as typeof import('./proof/heap-snapshot.ts'),
  onSignal: (load) => load('./proof/on-signal.js') as typeof import('./proof/on-signal.ts'),
  growth: (load) => load('./watch/growth.js') as typeof import('./watch/growth.ts'),
  notifier: (load) => load('./notify/notifier.js') as typeof import('./notify/notifier.ts'),
  telemetry: (load) => load('./telemetry/telemetry.js') as typeof import('./telemetry/telemetry.ts'),
  sourceLines: (load) => load('./record/source-lines.js') as typeof import('./record/source-lines.ts'),
  readRecording: (load) => load('./recording/read-recording.js') as typeof import('./recording/read-recording.ts'),
  report: (load) => load('./recording/build-report.js') as typeof import('./recording/build-report.ts'),
} as const satisfies Record<string, (load: LoadPart) => unknown>;
