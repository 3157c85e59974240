/** Makes a function look like the one that it stands in for: same name, arity, own properties and prototype. */
type AnyFunction = Function;

/** Gives `replacement` all own properties of `original`: `name`, `length`, `util.promisify.custom`… */
export function disguise(replacement: AnyFunction, original: AnyFunction): AnyFunction {
  const isLikeOriginal = Object.hasOwn(original, 'prototype') || !Object.hasOwn(replacement, 'prototype');
  const disguised = isLikeOriginal ? replacement : asMethod(replacement);
  for (const key of Reflect.ownKeys(disguised)) {
    if (!Object.hasOwn(original, key)) Reflect.deleteProperty(disguised, key);
  }
  Object.defineProperties(disguised, Object.getOwnPropertyDescriptors(original) as PropertyDescriptorMap);
  // an async function has another than most, and a class that of what it extends
  const kind = Object.getPrototypeOf(original);
  if (Object.getPrototypeOf(disguised) !== kind) Object.setPrototypeOf(disguised, kind);
  return disguised;
}

/** What is called often is better written as a method at once. A `function` can be called with `new` and has a prototype that cannot be deleted; a method of a class neither. */
function asMethod(replacement: AnyFunction): AnyFunction {
  return {
    method(this: unknown): unknown {
      return Reflect.apply(replacement, this, arguments);
    },
  }.method;
}
