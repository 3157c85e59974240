/** A statement that was cancelled, as oracledb tells it; the session stays as it was. */
import { guarded } from '../../process/lapses.ts';
import { patch } from '../../watch/patch.ts';
import type { Injector } from './injector.ts';
import type { Beneath } from './start.ts';

const PART = 'inject';
const METHODS = ['execute', 'executeMany'];

export function failingOracledb(injector: Injector): Beneath {
  return {
    name: 'oracledb',
    attach(exports) {
      const Connection = exports?.Connection;
      if (typeof Connection !== 'function') return false;
      for (const method of METHODS) {
        patch(Connection.prototype, method, (original) => {
          const wrapped = {
            execute(this: unknown, ...args: unknown[]): unknown {
              if (guarded(PART, () => injector.mustFail('query', wrapped.execute)) !== true) {
                return Reflect.apply(original, this, args);
              }
              const callback = args.at(-1);
              if (typeof callback !== 'function') return Promise.reject(cancelled());
              process.nextTick(callback as (error: Error) => void, cancelled());
              return undefined;
            },
          };
          return wrapped.execute;
        });
      }
      return true;
    },
  };
}

function cancelled(): Error {
  const code = 'ORA-01013';
  const message = `${code}: user requested cancel of current operation\nHelp: https://docs.oracle.com/error-help/db/ora-01013/`;
  return Object.assign(new Error(message), { code, errorNum: 1013, offset: 0, isRecoverable: false });
}
