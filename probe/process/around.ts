/**
 * Stands around a method of a library or of Node so that nobody can tell: same name, arity, own properties, prototype
 * and descriptor, arguments passed through, every hook guarded. Says when there is no such method.
 */
import { disguise } from './disguise.ts';
import { guarded, type Part } from './lapses.ts';
import { onLeave, putBack } from './leaving.ts';

/** Any method. */
export type Method = Function;

/** What is done around a call. All are of the part that is given, which ends with the first of them that throws. */
export interface Hook<Self extends object, Asked> {
  /** Before the call; what it returns is handed to the others. `wrapper` is on the stack, for a site. */
  before?(self: Self, first: unknown, second: unknown, wrapper: Method): Asked;
  /** In place of a callback, which is the call's last argument. */
  callback?(callback: Method, asked: Asked | undefined): Method;
  /** Calls the method, in other surroundings than its caller's; must not throw by itself. */
  call?(method: Method, self: Self, args: IArguments, asked: Asked | undefined): unknown;
  /** When the call has returned. */
  after?(self: Self, result: never, asked: Asked | undefined, wrapper: Method): void;
  /** When the call has returned or thrown. */
  finally?(self: Self, asked: Asked | undefined): void;
}

/**
 * Puts the hook around `owner[key]`. `keys`: names that its owner has for one function, which stay one. False, and
 * nothing is done, when there is no such function or it cannot be replaced.
 */
export function around<Self extends object, Asked = void>(
  part: Part,
  owner: object,
  keys: string | readonly [string, ...string[]],
  hook: Hook<Self, Asked>,
): boolean {
  return replace(part, owner, keys, hook, onLeave);
}

/** The same, of an object that comes and goes: it is not put back when the probe leaves, for nothing here may keep it. */
export function aroundOwn<Self extends object, Asked = void>(
  part: Part,
  owner: object,
  key: string,
  hook: Hook<Self, Asked>,
): boolean {
  return replace(part, owner, key, hook, () => {});
}

function replace<Self extends object, Asked>(
  part: Part,
  owner: object,
  keys: string | readonly [string, ...string[]],
  hook: Hook<Self, Asked>,
  whenLeaving: (putBack: () => void) => void,
): boolean {
  const [key, ...aliases] = typeof keys === 'string' ? [keys] : keys;
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  const original: unknown = descriptor?.value;
  if (typeof original !== 'function' || descriptor?.configurable === false) return false;
  const value = disguise(wrapperOf(part, original, hook), original);
  for (const name of [key, ...aliases]) {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    if (own?.value !== original || !own.configurable) continue;
    Object.defineProperty(owner, name, { ...own, value });
    whenLeaving(() => putBack(owner, name, value, own));
  }
  return true;
}

/**
 * As the method is: a method of a class has no prototype and cannot be called with `new`, a function has and can. What
 * has no more than a `before` keeps `arguments` to itself: handing them on is work for the garbage collector.
 */
function wrapperOf<Self extends object, Asked>(part: Part, original: Method, hook: Hook<Self, Asked>): Method {
  const { before, callback, call, after } = hook;
  const isPlain = callback === undefined && call === undefined && after === undefined && hook.finally === undefined;
  const go = (self: Self, args: IArguments): unknown => {
    const asked = before && guarded(part, before, self, args[0], args[1], wrapped);
    const last = args.length - 1;
    if (callback !== undefined && typeof args[last] === 'function') {
      args[last] = guarded(part, callback, args[last], asked) ?? args[last];
    }
    try {
      const result = call === undefined ? Reflect.apply(original, self, args) : call(original, self, args, asked);
      if (after !== undefined) guarded(part, after, self, result as never, asked, wrapped);
      return result;
    } finally {
      if (hook.finally !== undefined) guarded(part, hook.finally, self, asked);
    }
  };
  const method = {
    hooked(this: Self): unknown {
      if (!isPlain || before === undefined) return go(this, arguments);
      guarded(part, before, this, arguments[0], arguments[1], wrapped);
      return Reflect.apply(original, this, arguments);
    },
  }.hooked;
  const wrapped: Method = Object.hasOwn(original, 'prototype')
    ? function hooked(this: Self): unknown {
        if (new.target === undefined) return go(this, arguments);
        // to make an object is no call of a method
        return Reflect.construct(original, arguments, new.target === wrapped ? original : new.target);
      }
    : method;
  return wrapped;
}
