/** HTTP requests to a server of this process become scopes by themselves: `GET /orders/:id`. */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope, Scopes } from '../../account/scope.ts';
import { guarded } from '../../process/lapses.ts';
import { microtask } from '../../process/runtime.ts';

const PART = 'http';
const REQUEST_START = 'http.server.request.start';

/** Of one method, and characters of a URL. */
const MAX_NAMES = 500;
const MAX_URL = 200;

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
}

/** Where requests are no scopes: tells, once, that there is one. */
export function whenServing(told: () => void): void {
  const served = (): void => {
    // not at once: who else listens would miss this one
    microtask(() => diagnosticsChannel.unsubscribe(REQUEST_START, listener));
    told();
  };
  let isTold = false;
  const listener = (): void => {
    if (isTold) return;
    isTold = true;
    guarded(PART, served);
  };
  diagnosticsChannel.subscribe(REQUEST_START, listener);
}

/** Returns a sweep that ends the scopes of requests that were cut off; call it before judging. */
export function watchHttpServers(scopes: Scopes): () => void {
  /** Since the last sweep. */
  let young = new Map<ServerResponse, Scope>();
  /** Those that stayed longer, weakly: nothing here may keep a response. */
  const running = new Map<Scope, WeakRef<ServerResponse>>();
  const byResponse = new WeakMap<ServerResponse, Scope>();
  const names = new Names();

  const end = (scope: Scope, response: ServerResponse | undefined): void => {
    running.delete(scope);
    const status = response?.writableFinished ? response.statusCode : 0;
    scopes.end(scope, status >= 500 ? `HTTP ${status}` : status === 0 ? 'aborted' : null);
  };

  const started = ({ request, response }: RequestStart): void => {
    const scope = scopes.begin(names.of(request.method ?? '', request.url ?? ''), 'request');
    young.set(response, scope);
    scopes.enter(scope);
  };
  const finished = ({ response }: RequestStart): void => {
    const scope = young.get(response) ?? byResponse.get(response);
    young.delete(response);
    if (scope) end(scope, response);
  };
  diagnosticsChannel.subscribe(REQUEST_START, (message) => {
    guarded(PART, started, message as RequestStart);
  });
  diagnosticsChannel.subscribe('http.server.response.finish', (message) => {
    guarded(PART, finished, message as RequestStart);
  });

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

/** Names of requests, kept as long as there are few: most are asked for again. */
class Names {
  private byMethod: Map<string, Map<string, string>> = new Map();

  of(method: string, url: string): string {
    let byUrl = this.byMethod.get(method);
    if (!byUrl) {
      byUrl = new Map();
      this.byMethod.set(method, byUrl);
    }
    let name = byUrl.get(url);
    if (name === undefined) {
      name = `${method} ${routeOf(url)}`;
      if (byUrl.size >= MAX_NAMES) byUrl.clear();
      if (url.length <= MAX_URL) byUrl.set(url, name);
    }
    return name;
  }
}

/** A path without its values: digits, hashes and the query would make every request its own name, and may be secret. */
function routeOf(url: string): string {
  if (/^[a-z/._~-]{1,32}$/i.test(url)) return url;
  const [path = ''] = url.split(/[?#]/, 1);
  return path
    .split('/')
    .map((part) => (/\d|[%@=+]|^.{33,}$/.test(part) ? ':id' : part))
    .join('/');
}
