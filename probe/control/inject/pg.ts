/**
 * A query fails as the server lets it fail: another statement goes there instead, and all that comes back, by callback,
 * promise or event, is the driver's own. COMMIT and ROLLBACK fail as after a conflict, with their transaction at an end.
 */

import { around } from '../../process/around.ts';
import type { Beneath } from '../../watch/libraries.ts';
import type { Injector } from './injector.ts';

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

export function failingPg(injector: Injector): Beneath {
  const failQueries = (owner: object): void => {
    around<object, boolean>('inject', owner, 'query', {
      before: (_, __, ___, wrapper) => injector.mustFail('query', wrapper),
      call: (query, self, args, isDue) =>
        Reflect.apply(query, self, isDue === true ? failing([...(args as unknown as unknown[])]) : args),
    });
  };
  return {
    pg: ({ Client }: { Client: { prototype: object } }) => failQueries(Client.prototype),
    // it asks its client only later, when nobody's code is on the stack
    'pg-pool': ({ prototype }: { prototype: object }) => failQueries(prototype),
  };
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
