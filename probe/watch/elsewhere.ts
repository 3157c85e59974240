/**
 * What a flow turns to while it holds a lease: a request to a partner. Timers tell of themselves (handles/timers.ts).
 *
 * Nothing is kept alive by it, and nothing is asked before somebody looks. False negatives: what tells nobody, such as
 * files, other databases, and timers of `node:timers/promises`.
 */
import type { ClientRequest } from 'node:http';
import { listenTo } from './channels.ts';
import type { Desk } from './desk.ts';

const PART = 'elsewhere';

/** undici's own request, of `fetch` too. */
interface UndiciRequest {
  completed?: boolean;
  aborted?: boolean;
}

export function watchElsewhere(desk: Desk): void {
  on<UndiciRequest>('undici:request:create', (request) =>
    desk.turnsTo('`fetch`', request, ({ completed, aborted }) => completed !== true && aborted !== true),
  );
  on<ClientRequest>('http.client.request.start', (request) =>
    desk.turnsTo('an HTTP request', request, ({ destroyed, closed }) => !destroyed && !closed),
  );
}

function on<T extends object>(channel: string, told: (request: T) => void): void {
  listenTo<{ request: T }>(PART, channel, ({ request }) => told(request));
}
