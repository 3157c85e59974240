/** Logs came into the API with 1.10; before that they were a package of their own. */
import type { logs } from '@opentelemetry/api';

type Logs = typeof logs;

/** Null where the SDK's API has no logs. */
export function loggerOf(api: { logs?: Logs }, require: NodeJS.Require): ReturnType<Logs['getLogger']> | null {
  return (api.logs ?? olderLogs(require))?.getLogger('outlive') ?? null;
}

function olderLogs(require: NodeJS.Require): Logs | undefined {
  try {
    return (require('@opentelemetry/api-logs') as { logs: Logs }).logs;
  } catch {
    return undefined;
  }
}
