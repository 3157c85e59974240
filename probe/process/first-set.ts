/**
 * Tells when a property of an object is first set, by an accessor on its prototype; from then on it is the object's own,
 * as it would be without. So the construction of a class is seen that cannot be replaced: its constructor sets some.
 */
import type { Method } from './around.ts';
import { guarded, type Part } from './lapses.ts';
import { onLeave } from './leaving.ts';

/** `told` is given what is set, and the function to leave out of a stack. False when the prototype has it already. */
export function onFirstSet<Self extends object>(
  part: Part,
  prototype: object,
  key: string,
  told: (self: Self, value: unknown, setter: Method) => void,
): boolean {
  if (Object.hasOwn(prototype, key)) return false;
  const accessor = {
    set(this: Self, value: unknown) {
      Object.defineProperty(this, key, { configurable: true, enumerable: true, writable: true, value });
      guarded(part, told, this, value, setter);
    },
  };
  const setter = Object.getOwnPropertyDescriptor(accessor, 'set')?.value as Method & ((value: unknown) => void);
  Object.defineProperty(prototype, key, { configurable: true, get: () => undefined, set: setter });
  onLeave(() => {
    if (Object.getOwnPropertyDescriptor(prototype, key)?.set === setter) Reflect.deleteProperty(prototype, key);
  });
  return true;
}
