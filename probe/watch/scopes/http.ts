/** HTTP requests to a server of this process become scopes by themselves: `GET /orders/:id`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ABORTED, type CountedScope, type Scopes } from '../../account/scope.ts';
import { microtask } from '../../process/runtime.ts';
import { listenTo } from '../channels.ts';
import type { Followed } from './followed.ts';
import { Routes } from './route.ts';

const PART = 'http';
const REQUEST_START = 'http.server.request.start';

/** Requests, on top of those that a sweep has left, that begin before one comes by itself: judgements may be seldom. */
const MOST_YOUNG = 1000;

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
}

/**
 * A request that is followed. Its response is let go of as soon as it is sent: with a map of the responses under way V8
 * would keep each for long after, in the tables that the map has outgrown.
 */
interface Following {
  readonly scope: CountedScope;
  response: ServerResponse | null;
  /** In its place once a sweep has met it: nothing here may keep it for long. */
  weak: WeakRef<ServerResponse> | null;
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
 * called; until then, or the next thousand requests, a response that was cut off is kept. `followed` null: all requests are.
 */
export function watchHttpServers(scopes: Scopes, isSwept: boolean, followed: Followed | null): () => void {
  const byResponse = new WeakMap<ServerResponse, Following>();
  /** Since the last sweep, and those that it left. */
  let young: Following[] = [];
  let running: Following[] = [];
  /** Followed, and not over: most responses need not be looked up. */
  let underWay = 0;
  const routes = new Routes();

  const end = (one: Following, response: ServerResponse | undefined): void => {
    one.response = one.weak = null;
    if (one.scope.ended === 0) underWay--;
    const status = response?.writableFinished ? response.statusCode : 0;
    scopes.end(one.scope, status >= 500 ? `HTTP ${status}` : status === 0 ? ABORTED : null);
  };

  const sweep = (): void => {
    for (const one of young) {
      if (one.response === null) continue;
      one.weak = new WeakRef(one.response);
      one.response = null;
      running.push(one);
    }
    young = [];
    for (const one of running) {
      const response = one.weak?.deref();
      if (one.weak !== null && (!response || response.closed || response.destroyed)) end(one, response);
    }
    running = running.filter(({ weak }) => weak !== null);
  };

  const follow = ({ request, response }: RequestStart): void => {
    const scope = scopes.begin(routes.of(request.method ?? '', request.url ?? ''), 'request');
    const one: Following = { scope, response: isSwept ? response : null, weak: null };
    byResponse.set(response, one);
    underWay++;
    scopes.enter(scope);
    if (isSwept && young.push(one) > MOST_YOUNG + running.length) sweep();
  };
  // short: most are not followed
  const started = (start: RequestStart): void => {
    if (followed?.takes() === false) scopes.pass();
    else follow(start);
  };
  // whether anybody listens must not change: Node's own code for each response would be compiled anew each time
  const finished = ({ response }: RequestStart): void => {
    const one = underWay > 0 ? byResponse.get(response) : undefined;
    if (!one) return;
    // else their table grows until the next full collection, and is copied each time
    byResponse.delete(response);
    end(one, response);
  };
  if (followed === null) scopes.stakes.contexts++;
  listenTo(PART, REQUEST_START, started);
  listenTo(PART, 'http.server.response.finish', finished);

  return sweep;
}
