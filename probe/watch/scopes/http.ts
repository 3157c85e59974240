/** HTTP requests to a server of this process become scopes by themselves: `GET /orders/:id`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ABORTED, type CountedScope, type Scopes } from '../../account/scope.ts';
import { microtask } from '../../process/runtime.ts';
import { listenTo } from '../channels.ts';
import type { Followed } from './followed.ts';
import { Routes } from './route.ts';

const PART = 'http';
const REQUEST_START = 'http.server.request.start';

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
}

/** Where requests are no scopes: tells, once, that there is one. */
export function whenServing(told: () => void): void {
  let isTold = false;
  const stop = listenTo(PART, REQUEST_START, () => {
    if (isTold) return;
    isTold = true;
    // not at once: who else listens would miss this one
    microtask(stop);
    told();
  });
}

/**
 * Returns a sweep that ends the scopes of requests that were cut off; call it before judging. `isSwept`: it will be
 * called; until then a response that was cut off is kept. `followed` null: all requests are.
 */
export function watchHttpServers(scopes: Scopes, isSwept: boolean, followed: Followed | null): () => void {
  /** Since the last sweep. */
  let young = new Map<ServerResponse, CountedScope>();
  /** Those that stayed longer, weakly: nothing here may keep a response. */
  const running = new Map<CountedScope, WeakRef<ServerResponse>>();
  const byResponse = new WeakMap<ServerResponse, CountedScope>();
  const routes = new Routes();

  const end = (scope: CountedScope, response: ServerResponse | undefined): void => {
    running.delete(scope);
    const status = response?.writableFinished ? response.statusCode : 0;
    scopes.end(scope, status >= 500 ? `HTTP ${status}` : status === 0 ? ABORTED : null);
  };

  const started = ({ request, response }: RequestStart): void => {
    if (followed?.takes() === false) {
      scopes.leave();
      scopes.pass();
      return;
    }
    const scope = scopes.begin(routes.of(request.method ?? '', request.url ?? ''), 'request');
    if (isSwept) young.set(response, scope);
    else byResponse.set(response, scope);
    scopes.enter(scope);
  };
  const finished = ({ response }: RequestStart): void => {
    const scope = young.get(response) ?? byResponse.get(response);
    young.delete(response);
    if (scope) end(scope, response);
  };
  listenTo(PART, REQUEST_START, started);
  listenTo(PART, 'http.server.response.finish', finished);

  return () => {
    for (const [response, scope] of young) {
      running.set(scope, new WeakRef(response));
      byResponse.set(response, scope);
    }
    young = new Map();
    for (const [scope, weak] of running) {
      const response = weak.deref();
      if (!response || response.closed || response.destroyed) end(scope, response);
    }
  };
}
