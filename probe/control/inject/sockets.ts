/** A connect that is refused, and an HTTP request whose connection is reset: errors as Node's own. */
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { constants } from 'node:os';
import { around, type Method } from '../../process/around.ts';
import type { Injector } from './injector.ts';

export function failConnects(injector: Injector): void {
  around<net.Socket, boolean>('inject', net.Socket.prototype, 'connect', {
    before: (_, __, ___, wrapper) => injector.mustFail('connect', wrapper),
    call(connect, self, args, isDue) {
      const socket = Reflect.apply(connect, self, args);
      // sooner than any answer can come
      if (isDue === true) process.nextTick(() => self.destroy(refused(args as unknown as unknown[])));
      return socket;
    },
  });
}

export function failRequests(injector: Injector): void {
  const before = (_: object, __: unknown, ___: unknown, wrapper: Method) => injector.mustFail('request', wrapper);
  for (const owner of [http, https]) {
    for (const key of ['request', 'get']) {
      around<object, boolean>('inject', owner, key, {
        before,
        after: (_, asked: http.ClientRequest, isDue) => {
          if (isDue) process.nextTick(() => asked.destroy(reset('socket hang up')));
        },
      });
    }
  }
  around<object, boolean>('inject', globalThis, 'fetch', {
    before,
    call(fetch, self, args, isDue) {
      if (isDue !== true) return Reflect.apply(fetch, self, args);
      const error = new TypeError('fetch failed', { cause: reset('read ECONNRESET') });
      return new Promise((_, reject) => setImmediate(reject, error));
    },
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
