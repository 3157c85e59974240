/**
 * Stands around a method of a library or of Node so that nobody can tell: same name, arity, own properties, prototype
 * and descriptor, arguments passed through, every hook guarded. Says when there is no such method.
 */
import { disguise } from './disguise.ts';
import { guarded, type Part } from './lapses.ts';
import { onLeave, putBack } from './leaving.ts';

/** Any method. */
export type Method = Function;

/** Neither may throw. */
export interface Surroundings<Asked> {
  enter(): unknown;
  /** `entered` is what `enter` returned. */
  leave(entered: unknown, asked: Asked | undefined): void;
}

/** What is done around a call. All are of the part that is given, which ends with the first of them that throws. */
export interface Hook<Self extends object, Asked> {
  /** Before the call; what it returns is handed to the others. `wrapper` is on the stack, for a site. */
  before?(self: Self, first: unknown, second: unknown, wrapper: Method): Asked;
  /** In place of a callback, which is the call's last argument. */
  callback?(callback: Method, asked: Asked | undefined): Method;
  /** Calls the method in its own way, not `within`; must not throw by itself. */
  call?(method: Method, self: Self, args: IArguments, asked: Asked | undefined): unknown;
  /** What the method is called in, other than its caller's surroundings. */
  within?: Surroundings<Asked>;
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
  keys: string | readonly [PropertyKey, ...string[]],
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
  keys: string | readonly [PropertyKey, ...string[]],
  hook: Hook<Self, Asked>,
  whenLeaving: (putBack: () => void) => void,
): boolean {
  const key = typeof keys === 'string' ? keys : keys[0];
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  const original: unknown = descriptor?.value;
  if (typeof original !== 'function' || descriptor?.configurable === false) return false;
  const value = disguise(wrapperOf(part, original, hook), original);
  put(owner, key, value, descriptor, whenLeaving);
  if (typeof keys === 'string') return true;
  for (const alias of keys.slice(1)) {
    const own = Object.getOwnPropertyDescriptor(owner, alias);
    if (own?.value === original && own.configurable) put(owner, alias, value, own, whenLeaving);
  }
  return true;
}

function put(
  owner: object,
  key: PropertyKey,
  value: Method,
  before: PropertyDescriptor | undefined,
  whenLeaving: (putBack: () => void) => void,
): void {
  // all else of it stays as it is
  Object.defineProperty(owner, key, { value });
  whenLeaving(() => putBack(owner, key, value, before));
}

/** As the method is: a method of a class has no prototype and cannot be called with `new`, a function has and can. */
function wrapperOf<Self extends object, Asked>(part: Part, original: Method, hook: Hook<Self, Asked>): Method {
  const own = () => wrapped;
  const { callback, call, within, after, finally: last } = hook;
  const isPlain = !(callback ?? call ?? within ?? after ?? last);
  const way = isPlain ? plainly : call === undefined ? directly : itself;
  const method = way(part, original, hook, own);
  const wrapped: Method = Object.hasOwn(original, 'prototype')
    ? function hooked(this: Self): unknown {
        if (new.target === undefined) return Reflect.apply(method, this, arguments);
        // to make an object is no call of a method
        return Reflect.construct(original, arguments, new.target === wrapped ? original : new.target);
      }
    : method;
  return wrapped;
}

/*
 * Three ways to do one thing, since this runs for each acquire: as long as `arguments` is no more than given to
 * `Reflect.apply`, V8 makes no object of it. To read one from it that is not there is dear.
 */

/** No more than a look before. */
function plainly<Self extends object, Asked>(
  part: Part,
  original: Method,
  { before = () => undefined as Asked }: Hook<Self, Asked>,
  wrapped: () => Method,
): Method {
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      guarded(part, before, this, first, second, wrapped());
      return Reflect.apply(original, this, arguments);
    },
  }.hooked;
}

/** All but the callback is handed on as it is. */
function directly<Self extends object, Asked>(
  part: Part,
  original: Method,
  { before, callback, within, after, finally: last }: Hook<Self, Asked>,
  wrapped: () => Method,
): Method {
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      const asked = before === undefined ? undefined : guarded(part, before, this, first, second, wrapped());
      const at = arguments.length - 1;
      let args: unknown[] | null = null;
      if (callback !== undefined && at >= 0 && typeof arguments[at] === 'function') {
        args = [];
        for (let i = 0; i < at; i++) args.push(arguments[i]);
        args.push(guarded(part, callback, arguments[at], asked) ?? arguments[at]);
      }
      try {
        let result: unknown;
        const entered = within?.enter();
        try {
          result = args === null ? Reflect.apply(original, this, arguments) : Reflect.apply(original, this, args);
        } finally {
          within?.leave(entered, asked);
        }
        if (after !== undefined) guarded(part, after, this, result as never, asked, wrapped());
        return result;
      } finally {
        if (last !== undefined) guarded(part, last, this, asked);
      }
    },
  }.hooked;
}

/** The hook calls. */
function itself<Self extends object, Asked>(
  part: Part,
  original: Method,
  { before, callback, call, after, finally: last }: Hook<Self, Asked>,
  wrapped: () => Method,
): Method {
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      const args = arguments;
      const asked = before && guarded(part, before, this, first, second, wrapped());
      const at = args.length - 1;
      if (callback !== undefined && typeof args[at] === 'function') {
        args[at] = guarded(part, callback, args[at], asked) ?? args[at];
      }
      try {
        const result = call?.(original, this, args, asked);
        if (after !== undefined) guarded(part, after, this, result as never, asked, wrapped());
        return result;
      } finally {
        if (last !== undefined) guarded(part, last, this, asked);
      }
    },
  }.hooked;
}
