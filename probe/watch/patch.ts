/** Replacing a function so that nobody can tell: same name, arity, own properties and descriptor. */

// biome-ignore lint/complexity/noBannedTypes: any function can be patched
type AnyFunction = Function;

/**
 * Replaces `owner[key]` by what `wrap` makes of it. `wrap` must return a `function` (never an arrow: `this` and `new`
 * have to pass through). Does nothing when there is no such function.
 */
export function patch<T extends object>(
  owner: T,
  key: keyof T & string,
  wrap: (original: AnyFunction) => AnyFunction,
): void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (descriptor === undefined || typeof descriptor.value !== 'function' || descriptor.configurable === false) return;
  const original = descriptor.value as AnyFunction;
  Object.defineProperty(owner, key, { ...descriptor, value: disguise(wrap(original), original) });
}

/** Replaces a function that its owner has under several names, and keeps them the same function. */
export function patchAliases<T extends object>(
  owner: T,
  [key, ...aliases]: [keyof T & string, ...(keyof T & string)[]],
  wrap: (original: AnyFunction) => AnyFunction,
): void {
  const original = owner[key];
  patch(owner, key, wrap);
  for (const alias of aliases) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, alias);
    if (descriptor?.value !== original || !descriptor?.configurable) continue;
    Object.defineProperty(owner, alias, { ...descriptor, value: owner[key] });
  }
}

/** Gives `replacement` all own properties of `original`: `name`, `length`, `util.promisify.custom`… */
export function disguise(replacement: AnyFunction, original: AnyFunction): AnyFunction {
  const isLikeOriginal = Object.hasOwn(original, 'prototype') || !Object.hasOwn(replacement, 'prototype');
  const disguised = isLikeOriginal ? replacement : asMethod(replacement);
  for (const key of Reflect.ownKeys(disguised)) {
    if (!Object.hasOwn(original, key)) Reflect.deleteProperty(disguised, key);
  }
  Object.defineProperties(disguised, Object.getOwnPropertyDescriptors(original) as PropertyDescriptorMap);
  return disguised;
}

/** What is called often is better written as a method at once. A `function` can be called with `new` and has a prototype that cannot be deleted; a method of a class neither. */
function asMethod(replacement: AnyFunction): AnyFunction {
  return {
    method(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: arguments pass through untouched
      return Reflect.apply(replacement, this, arguments);
    },
  }.method;
}
