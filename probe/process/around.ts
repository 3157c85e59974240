/**
 * Stands around a method of a library or of Node so that nobody can tell: same name, arity, own properties, prototype
 * and descriptor, arguments passed through, every hook guarded. Says when there is no such method.
 */
import { disguise } from './disguise.ts';
import { failing, type Gate, gateOf, guarded, type Part } from './lapses.ts';
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
  /** Whether there is nothing to be done around this call, as for most: it is made as it is, and all else here is left out. Not beside `call`. */
  passes?(self: Self, first: unknown, second: unknown): boolean;
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
  return replace(part, owner, keys, hook, ({ owner, key, value, before }) =>
    onLeave(() => putBack(owner, key, value, before)),
  );
}

/**
 * The same, until what is returned is called: false, and nothing is done, where others have wrapped it since. Whoever has
 * taken the method meanwhile goes on to call the hook.
 */
export function aroundForNow<Self extends object>(
  part: Part,
  owner: object,
  keys: string | readonly [PropertyKey, ...string[]],
  hook: Hook<Self, void>,
): () => boolean {
  const puts: Put[] = [];
  replace(part, owner, keys, hook, (put) => puts.push(put));
  const undo = (): boolean => {
    const isOurs = puts.every(({ owner, key, value }) => Object.getOwnPropertyDescriptor(owner, key)?.value === value);
    if (isOurs) for (const { owner, key, value, before } of puts) putBack(owner, key, value, before);
    return isOurs;
  };
  onLeave(undo);
  return undo;
}

/** The same as `around`, of an object that comes and goes: it is not put back when the probe leaves, for nothing here may keep it. */
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
  whenPut: (put: Put) => void,
): boolean {
  const key = typeof keys === 'string' ? keys : keys[0];
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  const original: unknown = descriptor?.value;
  if (typeof original !== 'function' || descriptor?.configurable === false) return false;
  const value = disguise(wrapperOf(part, original, hook), original);
  put({ owner, key, value, before: descriptor }, whenPut);
  if (typeof keys === 'string') return true;
  for (const alias of keys.slice(1)) {
    const own = Object.getOwnPropertyDescriptor(owner, alias);
    if (own?.value === original && own.configurable) put({ owner, key: alias, value, before: own }, whenPut);
  }
  return true;
}

/** What stands in the place of a method now, and what stood there before. */
interface Put {
  readonly owner: object;
  readonly key: PropertyKey;
  readonly value: Method;
  readonly before: PropertyDescriptor | undefined;
}

function put(own: Put, whenPut: (put: Put) => void): void {
  // all else of it stays as it is
  Object.defineProperty(own.owner, own.key, { value: own.value });
  whenPut(own);
}

/** A hook with what it needs to be called. */
interface Ready<Self extends object, Asked> {
  readonly part: Part;
  readonly gate: Gate;
  readonly hook: Hook<Self, Asked>;
  /** What stands around the method. */
  wrapper: Method;
}

/** As the method is: a method of a class has no prototype and cannot be called with `new`, a function has and can. */
function wrapperOf<Self extends object, Asked>(part: Part, original: Method, hook: Hook<Self, Asked>): Method {
  const { passes, callback, call, within, after, finally: last } = hook;
  const isPlain = !(passes ?? callback ?? call ?? within ?? after ?? last);
  const ready: Ready<Self, Asked> = { part, gate: gateOf(part), hook, wrapper: original };
  const isFunction = Object.hasOwn(original, 'prototype');
  if (isPlain) ready.wrapper = isFunction ? plainlyOfFunction(original, ready) : plainly(original, ready);
  else {
    const whole = call === undefined ? directly(original, ready) : itself(original, ready);
    const method = passes === undefined ? whole : passing(original, whole, ready);
    ready.wrapper = isFunction ? ofFunction(original, method, ready) : method;
  }
  return ready.wrapper;
}

function ofFunction<Self extends object, Asked>(original: Method, method: Method, ready: Ready<Self, Asked>): Method {
  return function hooked(this: Self): unknown {
    if (new.target !== undefined) return constructed(original, arguments, new.target, ready);
    return Reflect.apply(method, this, arguments);
  };
}

/** To make an object is no call of a method. */
function constructed<Self extends object, Asked>(
  original: Method,
  args: IArguments,
  target: Method,
  { wrapper }: Ready<Self, Asked>,
): unknown {
  return Reflect.construct(original, args, target === wrapper ? original : target);
}

/*
 * Several ways to do one thing, since this runs for each acquire: as long as `arguments` is no more than given to
 * `Reflect.apply`, V8 makes no object of it. To read one from it that is not there is dear. For the same reason each
 * guards its hooks by itself, as `guarded` would.
 */

/** No more than a look before. */
function plainly<Self extends object, Asked>(original: Method, ready: Ready<Self, Asked>): Method {
  const { part, gate, hook } = ready;
  const { before = () => undefined as Asked } = failing(part, hook);
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      if (!gate.isShut) {
        try {
          before(this, first, second, ready.wrapper);
        } catch {
          gate.lapse();
        }
      }
      return Reflect.apply(original, this, arguments);
    },
  }.hooked;
}

/** The same around a function, which may be called with `new`. */
function plainlyOfFunction<Self extends object, Asked>(original: Method, ready: Ready<Self, Asked>): Method {
  const { part, gate, hook } = ready;
  const { before = () => undefined as Asked } = failing(part, hook);
  return function hooked(this: Self, first: unknown, second: unknown): unknown {
    if (new.target !== undefined) return constructed(original, arguments, new.target, ready);
    if (!gate.isShut) {
      try {
        before(this, first, second, ready.wrapper);
      } catch {
        gate.lapse();
      }
    }
    return Reflect.apply(original, this, arguments);
  };
}

/** Small, and apart from all that most calls need not: V8 compiles that late, if ever. */
function passing<Self extends object, Asked>(original: Method, method: Method, ready: Ready<Self, Asked>): Method {
  const { part, gate, hook } = ready;
  const { passes = () => false } = failing(part, hook);
  return {
    passed(this: Self, first: unknown, second: unknown): unknown {
      let isPassed = gate.isShut;
      if (!isPassed) {
        try {
          isPassed = passes(this, first, second);
        } catch {
          gate.lapse();
          isPassed = true;
        }
      }
      return Reflect.apply(isPassed ? original : method, this, arguments);
    },
  }.passed;
}

/** All but the callback is handed on as it is. */
function directly<Self extends object, Asked>(original: Method, ready: Ready<Self, Asked>): Method {
  const { part, gate, hook } = ready;
  const { before, callback, within, after, finally: last } = failing(part, hook);
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      let asked: Asked | undefined;
      let args: unknown[] | null = null;
      if (!gate.isShut) {
        try {
          if (before !== undefined) asked = before(this, first, second, ready.wrapper);
          const at = arguments.length - 1;
          if (callback !== undefined && at >= 0 && typeof arguments[at] === 'function') {
            args = [];
            for (let i = 0; i < at; i++) args.push(arguments[i]);
            args.push(callback(arguments[at], asked));
          }
        } catch {
          args = null;
          gate.lapse();
        }
      }
      try {
        let result: unknown;
        const entered = within?.enter();
        try {
          result = args === null ? Reflect.apply(original, this, arguments) : Reflect.apply(original, this, args);
        } finally {
          within?.leave(entered, asked);
        }
        if (after !== undefined && !gate.isShut) {
          try {
            after(this, result as never, asked, ready.wrapper);
          } catch {
            gate.lapse();
          }
        }
        return result;
      } finally {
        if (last !== undefined && !gate.isShut) {
          try {
            last(this, asked);
          } catch {
            gate.lapse();
          }
        }
      }
    },
  }.hooked;
}

/** The hook calls. */
function itself<Self extends object, Asked>(original: Method, ready: Ready<Self, Asked>): Method {
  const { part, hook } = ready;
  const { before, callback, call, after, finally: last } = hook;
  return {
    hooked(this: Self, first: unknown, second: unknown): unknown {
      const args = arguments;
      const asked = before && guarded(part, before, this, first, second, ready.wrapper);
      const at = args.length - 1;
      if (callback !== undefined && typeof args[at] === 'function') {
        args[at] = guarded(part, callback, args[at], asked) ?? args[at];
      }
      try {
        const result = call?.(original, this, args, asked);
        if (after !== undefined) guarded(part, after, this, result as never, asked, ready.wrapper);
        return result;
      } finally {
        if (last !== undefined) guarded(part, last, this, asked);
      }
    },
  }.hooked;
}
