/** HTTP requests to a server of this process become scopes by themselves: `GET /orders/:id`. */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { guarded } from '../../faults.ts';
import type { Scope, Scopes } from '../../scope.ts';

const PART = 'http';

interface RequestStart {
  request: IncomingMessage;
  response: ServerResponse;
}

/** Returns a sweep that ends the scopes of requests that were cut off; call it before judging. */
export function watchHttpServers(scopes: Scopes): () => void {
  /** Since the last sweep. */
  let young = new Map<ServerResponse, Scope>();
  /** Those that stayed longer, weakly: nothing here may keep a response. */
  const running = new Map<Scope, WeakRef<ServerResponse>>();
  const byResponse = new WeakMap<ServerResponse, Scope>();

  const end = (scope: Scope, response: ServerResponse | undefined): void => {
    running.delete(scope);
    const status = response?.writableFinished ? response.statusCode : 0;
    scopes.end(scope, status >= 500 ? `HTTP ${status}` : status === 0 ? 'aborted' : null);
  };

  diagnosticsChannel.subscribe('http.server.request.start', (message) => {
    guarded(PART, () => {
      const { request, response } = message as RequestStart;
      const scope = scopes.begin(`${request.method} ${routeOf(request.url ?? '')}`, 'request');
      young.set(response, scope);
      scopes.enter(scope);
    });
  });
  diagnosticsChannel.subscribe('http.server.response.finish', (message) => {
    guarded(PART, () => {
      const { response } = message as RequestStart;
      const scope = young.get(response) ?? byResponse.get(response);
      young.delete(response);
      if (scope) end(scope, response);
    });
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

/** A path without its values: digits, hashes and the query would make every request its own name, and may be secret. */
function routeOf(url: string): string {
  if (/^[a-z/._~-]{1,32}$/i.test(url)) return url;
  const [path = ''] = url.split(/[?#]/, 1);
  return path
    .split('/')
    .map((part) => (/\d|[%@=+]|^.{33,}$/.test(part) ? ':id' : part))
    .join('/');
}
