/** Puts a method before one that a prototype inherits from a class of Node's, which all others inherit too: not there. */
import type { Method } from './around.ts';
import { guarded, type Part } from './lapses.ts';
import { onLeave, putBack } from './leaving.ts';

/**
 * `told` is given the object, the call's first argument, and the method, which is on the stack; `returned` the object and
 * what the call returned.
 */
export function beforeInherited<Self extends object>(
  part: Part,
  prototype: object,
  key: string,
  told: (self: Self, first: unknown, wrapper: Method) => void,
  returned: ((self: Self, result: unknown) => void) | null = null,
): void {
  const inherited: Method = Reflect.get(prototype, key);
  const { method } = {
    method(this: Self): unknown {
      guarded(part, told, this, arguments[0], method);
      const result: unknown = Reflect.apply(inherited, this, arguments);
      if (returned !== null) guarded(part, returned, this, result);
      return result;
    },
  };
  Object.defineProperty(method, 'name', { value: key, configurable: true });
  Object.defineProperty(method, 'length', { value: inherited.length, configurable: true });
  const before = Object.getOwnPropertyDescriptor(prototype, key);
  Object.defineProperty(prototype, key, { value: method, configurable: true, writable: true });
  onLeave(() => putBack(prototype, key, method, before));
}
