/**
 * Native contexts. Nobody ends one: it is gone with the last reference to anything made in it, so one counts only when a
 * collection has left it. False negatives: contexts that `runInNewContext` makes without an object of the service's.
 */
import vm from 'node:vm';
import type { AdapterName } from '../../adapters.ts';
import { around } from '../../process/around.ts';
import type { Desk } from '../desk.ts';
import { Entered } from './entered.ts';

const PART = 'contexts' satisfies AdapterName;

export function watchContexts(desk: Desk): void {
  const contexts = new Entered<object>(desk, {
    ...{ adapter: PART, nature: 'context', library: 'node:vm' },
    hasEnded: () => false,
  });
  around<object>(PART, vm, 'createContext', {
    after: (_, context: object, __, wrapper) => contexts.openedByUser(context, wrapper),
  });
  around<object, unknown>(PART, vm, 'runInNewContext', {
    before: (_, __, sandbox) => sandbox,
    after: (_, __, sandbox, wrapper) => isObject(sandbox) && contexts.openedByUser(sandbox, wrapper),
  });
  around<vm.Script, unknown>(PART, vm.Script.prototype, 'runInNewContext', {
    before: (_, sandbox) => sandbox,
    after: (_, __, sandbox, wrapper) => isObject(sandbox) && contexts.openedByUser(sandbox, wrapper),
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
