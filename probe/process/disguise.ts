/** Makes a function look like the one that it stands in for: same name, arity, own properties and prototype. */
type AnyFunction = Function;

/** Gives `replacement` all own properties of `original`: `name`, `length`, `util.promisify.custom`… */
export function disguise(replacement: AnyFunction, original: AnyFunction): AnyFunction {
  const isLikeOriginal = Object.hasOwn(original, 'prototype') || !Object.hasOwn(replacement, 'prototype');
  const disguised = isLikeOriginal ? replacement : asMethod(replacement);
  if (isUsual(original) && Object.hasOwn(original, 'prototype') === Object.hasOwn(disguised, 'prototype')) {
    // nearly all are, and a start makes many: descriptors would be most of its garbage
    if (disguised.length !== original.length) Object.defineProperty(disguised, 'length', { value: original.length });
    if (disguised.name !== original.name) Object.defineProperty(disguised, 'name', { value: original.name });
    if (Object.hasOwn(original, 'prototype')) disguised.prototype = original.prototype;
  } else {
    for (const key of Reflect.ownKeys(disguised)) {
      if (!Object.hasOwn(original, key)) Reflect.deleteProperty(disguised, key);
    }
    Object.defineProperties(disguised, Object.getOwnPropertyDescriptors(original) as PropertyDescriptorMap);
  }
  // an async function has another than most, and a class that of what it extends
  const kind = Object.getPrototypeOf(original);
  if (Object.getPrototypeOf(disguised) !== kind) Object.setPrototypeOf(disguised, kind);
  return disguised;
}

/** A method, or a `function`, as it is written and as nobody has changed it. */
function isUsual(method: AnyFunction): boolean {
  const keys = Reflect.ownKeys(method);
  if (keys[0] !== 'length' || keys[1] !== 'name' || !Object.isExtensible(method)) return false;
  if (keys.length !== 3) return keys.length === 2;
  // that of a class cannot be written
  return keys[2] === 'prototype' && Object.getOwnPropertyDescriptor(method, 'prototype')?.writable === true;
}

/** What is called often is better written as a method at once. A `function` can be called with `new` and has a prototype that cannot be deleted; a method of a class neither. */
function asMethod(replacement: AnyFunction): AnyFunction {
  return {
    method(this: unknown): unknown {
      return Reflect.apply(replacement, this, arguments);
    },
  }.method;
}
