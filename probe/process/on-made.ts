/** Tells of each object that a class of Node's makes; nobody can tell the class from what it was. */

import type { Method } from './around.ts';
import { guarded, type Part } from './lapses.ts';

type Class = new (...args: unknown[]) => object;

/**
 * Of `owner[key]`, also under the global name; of a function that makes one by a plain call too. `made` is given the object
 * and what is on the stack, for a site.
 */
export function onMade<T extends object>(
  part: Part,
  owner: object,
  key: string,
  made: (object: T, wrapper: Method) => void,
): void {
  const original: Class = Object.getOwnPropertyDescriptor(owner, key)?.value;
  if (typeof original !== 'function') return;
  const construct = (target: Class, args: unknown[], newTarget: Class): object => {
    const object = Reflect.construct(target, args, newTarget === proxy ? target : newTarget);
    guarded(part, made, object as T, construct as Method);
    return object;
  };
  const apply = (target: Class, self: unknown, args: unknown[]): object => {
    const object: object = Reflect.apply(target, self, args);
    if (object instanceof target) guarded(part, made, object as T, apply as Method);
    return object;
  };
  // a class cannot be called by a function that stands in for it
  const proxy: Class = new Proxy(original, { construct, apply } as ProxyHandler<Class>);
  for (const place of [owner, globalThis]) {
    const descriptor = Object.getOwnPropertyDescriptor(place, key);
    if (descriptor?.value === original) Object.defineProperty(place, key, { ...descriptor, value: proxy });
  }
  original.prototype.constructor = proxy;
}
