/**
 * A query fails as the server lets it fail: another statement goes there instead, and all that comes back, by callback,
 * promise or event, is the driver's own. COMMIT and ROLLBACK fail as after a conflict, with their transaction at an end.
 */

import { guarded } from '../../process/lapses.ts';
import type { LibraryAdapter } from '../../watch/modules.ts';
import { patch } from '../../watch/patch.ts';
import type { Injector } from './injector.ts';

const PART = 'inject';

const raise = (code: string, message: string): string =>
  `do $outlive$ begin raise exception using errcode = '${code}', message = '${message}'; end $outlive$`;
const FAILING = raise('57014', 'canceling statement due to statement timeout');
const FAILING_END = `rollback; ${raise('40001', 'could not serialize access due to concurrent update')}`;
const END = /^\s*(commit|rollback|end|abort)\b(?!\s+(?:prepared|to)\b)/i;

interface Statement {
  text?: unknown;
  values?: unknown;
  name?: unknown;
  cursor?: Statement;
  submit?: unknown;
}

export function failingPg(injector: Injector): Pick<LibraryAdapter, 'name' | 'attach'>[] {
  const failQueries = (owner: object): void => {
    patch(owner as { query(): unknown }, 'query', (original) => {
      const wrapped = {
        query(this: unknown): unknown {
          // biome-ignore lint/complexity/noArguments: arguments pass through untouched unless the fault is due
          const args = arguments as unknown as unknown[];
          const isDue = guarded(PART, () => injector.mustFail('query', wrapped.query)) === true;
          return Reflect.apply(original, this, isDue ? failing([...args]) : args);
        },
      };
      return wrapped.query;
    });
  };
  return [
    {
      name: 'pg',
      attach(exports) {
        if (typeof exports?.Client !== 'function') return false;
        failQueries(exports.Client.prototype);
        return true;
      },
    },
    {
      // it asks its client only later, when nobody's code is on the stack
      name: 'pg-pool',
      attach(Pool) {
        if (typeof Pool !== 'function') return false;
        failQueries(Pool.prototype);
        return true;
      },
    },
  ];
}

/** The same call, of a statement that fails. */
function failing([statement, ...rest]: unknown[]): unknown[] {
  const callback = rest.filter((argument) => typeof argument === 'function').slice(-1);
  if (typeof statement !== 'object' || statement === null) return [insteadOf(statement), ...callback];
  const given = statement as Statement;
  if (typeof given.submit === 'function') {
    // a query object, cursor or stream of the caller's: it is the one that is to be told
    const own = given.cursor ?? given;
    own.text = insteadOf(own.text);
    own.values = [];
    return [statement, ...callback];
  }
  const copy = Object.assign(Object.create(Object.getPrototypeOf(given)) as Statement, given);
  copy.text = insteadOf(given.text);
  copy.values = undefined;
  copy.name = undefined;
  return [copy, ...callback];
}

function insteadOf(text: unknown): string {
  return typeof text === 'string' && END.test(text) ? FAILING_END : FAILING;
}
