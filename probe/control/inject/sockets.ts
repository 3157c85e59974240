/** A connect that is refused, and an HTTP request whose connection is reset: errors as Node's own. */
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { constants } from 'node:os';
import { guarded } from '../../process/lapses.ts';
import { patch } from '../../watch/patch.ts';
import type { Injector } from './injector.ts';

const PART = 'inject';

export function failConnects(injector: Injector): void {
  patch(net.Socket.prototype, 'connect', (original) => {
    return function connect(this: net.Socket): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      const args = arguments as unknown as unknown[];
      const isDue = guarded(PART, () => injector.mustFail('connect', connect)) === true;
      const socket = Reflect.apply(original, this, args);
      // sooner than any answer can come
      if (isDue) process.nextTick(() => this.destroy(refused(args)));
      return socket;
    };
  });
}

export function failRequests(injector: Injector): void {
  for (const owner of [http, https]) {
    for (const key of ['request', 'get'] as const) {
      patch(owner, key, (original) => {
        return function request(this: unknown): unknown {
          const isDue = guarded(PART, () => injector.mustFail('request', request)) === true;
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched
          const asked = Reflect.apply(original, this, arguments) as http.ClientRequest;
          if (isDue) process.nextTick(() => asked.destroy(reset('socket hang up')));
          return asked;
        };
      });
    }
  }
  patch(globalThis, 'fetch', (original) => {
    return function fetch(this: unknown): unknown {
      if (guarded(PART, () => injector.mustFail('request', fetch)) === true) {
        const error = new TypeError('fetch failed', { cause: reset('read ECONNRESET') });
        return new Promise((_, reject) => setImmediate(reject, error));
      }
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return Reflect.apply(original, this, arguments);
    };
  });
  syncBuiltinESMExports();
}

function refused(args: unknown[]): Error {
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as [unknown, unknown];
  const options = (typeof first === 'object' && first !== null ? first : { port: first, host: second }) as {
    path?: string;
    port?: number | string;
    host?: unknown;
  };
  const host = typeof options.host === 'string' && options.host !== 'localhost' ? options.host : '127.0.0.1';
  const isPath = options.path !== undefined || Number.isNaN(Number(options.port));
  const place = isPath
    ? { address: String(options.path ?? options.port) }
    : { address: host, port: Number(options.port) };
  const words = 'port' in place ? `${place.address}:${place.port}` : place.address;
  const what = { errno: -constants.errno.ECONNREFUSED, code: 'ECONNREFUSED', syscall: 'connect', ...place };
  return Object.assign(new Error(`connect ECONNREFUSED ${words}`), what);
}

function reset(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}
