/** A statement that was cancelled, as oracledb tells it; the session stays as it was. */
import { around } from '../../process/around.ts';
import type { Beneath } from '../../watch/libraries.ts';
import type { Injector } from './injector.ts';

const METHODS = ['execute', 'executeMany'];

export function failingOracledb(injector: Injector): Beneath {
  return {
    oracledb: ({ Connection }: { Connection: { prototype: object } }) => {
      for (const method of METHODS) {
        around<object, boolean>('inject', Connection.prototype, method, {
          before: (_, __, ___, wrapper) => injector.mustFail('query', wrapper),
          call: (execute, self, args, isDue) => (isDue === true ? fail(args) : Reflect.apply(execute, self, args)),
        });
      }
    },
  };
}

function fail(args: IArguments): Promise<never> | undefined {
  const callback: unknown = args[args.length - 1];
  if (typeof callback !== 'function') return Promise.reject(cancelled());
  process.nextTick(callback as (error: Error) => void, cancelled());
  return undefined;
}

function cancelled(): Error {
  const code = 'ORA-01013';
  const message = `${code}: user requested cancel of current operation\nHelp: https://docs.oracle.com/error-help/db/ora-01013/`;
  return Object.assign(new Error(message), { code, errorNum: 1013, offset: 0, isRecoverable: false });
}
