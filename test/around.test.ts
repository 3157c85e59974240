/** A hook stands around a method of the service's so that the service cannot tell. */
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { around, type Hook } from '../probe/process/around.ts';
import { isOff, lapseCount, type Part } from '../probe/process/lapses.ts';

const PART: Part = 'tick';

/** A hook of each kind that notes its turn. */
function noting(turns: string[]): Hook<object, string> {
  return {
    before: () => {
      turns.push('before');
      return 'asked';
    },
    callback: (callback, asked) => {
      turns.push(`callback ${asked}`);
      return callback;
    },
    call: (method, self, args, asked) => {
      turns.push(`call ${asked}`);
      return Reflect.apply(method, self, args);
    },
    after: (_, result, asked) => turns.push(`after ${asked} ${result}`),
    finally: (_, asked) => turns.push(`finally ${asked}`),
  };
}
const WHOLE = noting([]);
/** But the one that makes the call in a way of its own. */
function notingAround(turns: string[]): Hook<object, string> {
  const { call, ...others } = noting(turns);
  return others;
}
/** The kinds that differ in how they are wrapped: no more than a look before, and all that there is. */
const HOOKS: [string, Hook<object, string>][] = [
  ['a look before', { before: () => 'asked' }],
  ['every hook', WHOLE],
  ['calls that pass', { ...notingAround([]), passes: () => true }],
  ['calls that do not pass', { ...notingAround([]), passes: () => false }],
];

class Base {
  readonly isBase = true;
}
const custom = () => Promise.resolve('promised');
const surface = Symbol('surface');

function nameless(): () => void {
  const made = () => {};
  Reflect.deleteProperty(made, 'name');
  return made;
}

/** That can also be called with `new`. */
function old(..._: unknown[]): string {
  return 'old';
}

/** Nobody may ask a function for its name that tells it by code of the service's. */
const toldName = {
  get(): string {
    throw new Error('asked for its name');
  },
};

/** One of each kind of function that libraries have. */
const owner = () => ({
  old: Object.assign(
    function legacy(this: unknown, a: number, b: number) {
      return [this, a, b];
    },
    { [promisify.custom]: custom, [surface]: 1, version: '1.0' },
  ),
  method(one: unknown, _two: unknown, _three: unknown) {
    return [this, one];
  },
  async later(value: unknown) {
    return value;
  },
  *several(value: unknown) {
    yield value;
  },
  arrow: (value: unknown) => value,
  Made: class Made extends Base {
    readonly given: unknown[];
    readonly isNoOther: boolean;
    static readonly size: number = 3;
    constructor(...given: unknown[]) {
      super();
      this.isNoOther = new.target === Made;
      this.given = given;
    }
  },
  nameless: nameless(),
  renamed: Object.defineProperty(function stepwise() {}, 'name', { writable: true }),
  listed: Object.defineProperty((_: unknown) => {}, 'length', { enumerable: true, configurable: false }),
  telling: Object.defineProperty(() => {}, 'name', toldName),
});
type Owner = ReturnType<typeof owner>;

test.each(HOOKS)('with %s nobody can tell by the look of the function', (_, hook) => {
  const [plain, hooked] = [owner(), owner()];
  for (const key of Object.keys(plain) as (keyof Owner)[]) {
    expect(around(PART, hooked, key, hook)).toBe(true);
    expect(hooked[key]).not.toBe(plain[key]);
    const described = (of: Owner) => {
      const { prototype, ...own } = Object.getOwnPropertyDescriptors(of[key]) as PropertyDescriptorMap;
      return { own, prototype: prototype && { ...prototype, value: typeof prototype.value } };
    };
    expect(described(hooked), key).toEqual(described(plain));
    expect(Object.getPrototypeOf(hooked[key]), key).toBe(Object.getPrototypeOf(plain[key]));
  }
});

test('the property stays as it was: hidden, read-only, or of a symbol', () => {
  const target = Object.defineProperty({}, 'close', { value: () => 'closed', configurable: true });
  expect(around(PART, target, 'close', WHOLE)).toBe(true);
  expect(Object.getOwnPropertyDescriptor(target, 'close')).toMatchObject({
    ...{ configurable: true, enumerable: false, writable: false },
  });
});

test.each(HOOKS)('with %s arguments, `this` and what comes back pass through', async (_, hook) => {
  const target = owner();
  for (const key of ['old', 'method', 'later', 'several', 'arrow'] as const) around(PART, target, key, hook);
  expect(target.old(1, 2)).toEqual([target, 1, 2]);
  expect(target.old.call(undefined, 1, 2)).toEqual([undefined, 1, 2]);
  const argument = {};
  expect(target.method(argument, 2, 3)[1]).toBe(argument);
  expect(target.method(argument, 2, 3)[0]).toBe(target);
  await expect(target.later(5)).resolves.toBe(5);
  expect([...target.several(6)]).toEqual([6]);
  expect(target.arrow(argument)).toBe(argument);
  await expect(promisify(target.old)()).resolves.toBe('promised');
});

test.each(HOOKS)('with %s `new` makes what it made, and what could not be made is none', (_, hook) => {
  const target = owner();
  const { Made } = target;
  for (const key of ['old', 'Made', 'method', 'arrow'] as const) around(PART, target, key, hook);
  expect(target.Made).not.toBe(Made);
  const made = new target.Made(1, 2);
  expect(made).toBeInstanceOf(Made);
  expect(made).toBeInstanceOf(target.Made);
  expect(made).toMatchObject({ given: [1, 2], isNoOther: true, isBase: true });
  class Derived extends target.Made {}
  expect(new Derived()).toBeInstanceOf(Derived);
  expect(new Derived().isNoOther).toBe(false);
  const legacy = target.old as unknown as new () => unknown;
  expect(new legacy()).toBeInstanceOf(Array);
  for (const key of ['method', 'arrow'] as const) {
    expect(() => new (target[key] as unknown as new () => unknown)()).toThrow(TypeError);
  }
});

test('names for one function stay one; what goes by such a name and is another is left alone', () => {
  const end = () => 'ended';
  const target = { end, close: end, stop: () => 'stopped' };
  const { stop } = target;
  expect(around(PART, target, ['end', 'close', 'stop', 'no such name'], WHOLE)).toBe(true);
  expect(target.end).not.toBe(end);
  expect(target.close).toBe(target.end);
  expect(target.stop).toBe(stop);
  expect(Object.keys(target)).toEqual(['end', 'close', 'stop']);
});

test('each hook has its turn, with what the first has noted', () => {
  const turns: string[] = [];
  const target = { ask: (_: string, callback: () => string) => callback() };
  around(PART, target, 'ask', noting(turns));
  expect(target.ask('it', () => 'answer')).toBe('answer');
  expect(turns).toEqual(['before', 'callback asked', 'call asked', 'after asked answer', 'finally asked']);
});

test('a call that passes is made as it is; the others are looked at in full', () => {
  const turns: string[] = [];
  const passes = (self: object, first: unknown, second: unknown) => {
    turns.push(`${self === target} ${first} ${second}`);
    return first === 'often';
  };
  const target = { ask: (..._: string[]) => 'answer', old };
  for (const key of ['ask', 'old'] as const) around(PART, target, key, { ...notingAround(turns), passes });
  expect([target.ask('often', 'twice'), target.old('often')]).toEqual(['answer', 'old']);
  expect(turns.splice(0)).toEqual(['true often twice', 'true often undefined']);
  expect(target.ask('rarely')).toBe('answer');
  expect(turns).toEqual(['true rarely undefined', 'before', 'after asked answer', 'finally asked']);
});

test('a stack has one frame more where the call passes, else two', () => {
  const target = { ask: (_: boolean) => new Error('of the service').stack?.split('\n').slice(1) ?? [] };
  const framesAbove = function caller(isPassed: boolean) {
    return target.ask(isPassed).findIndex((frame) => frame.includes(' caller '));
  };
  expect([framesAbove(true), framesAbove(false)]).toEqual([1, 1]);
  around(PART, target, 'ask', { ...notingAround([]), passes: (_, first) => first === true });
  expect([framesAbove(true), framesAbove(false)]).toEqual([2, 3]);
});

test('what the method throws is thrown, and only the last hook still has its turn', () => {
  const turns: string[] = [];
  const error = new Error('of the service');
  const target = {
    ask() {
      throw error;
    },
  };
  around(PART, target, 'ask', noting(turns));
  expect(() => target.ask()).toThrow(error);
  expect(turns).toEqual(['before', 'call asked', 'finally asked']);
});

test('a callback is what comes last and can be called; another takes its place', () => {
  const seen: unknown[] = [];
  const target = { ask: (...given: unknown[]) => given };
  around<object, void>(PART, target, 'ask', {
    callback: (callback) => {
      seen.push(callback);
      return instead;
    },
  });
  const [instead, callback] = [() => 'other', () => 'own'];
  expect(target.ask(1, callback)).toEqual([1, instead]);
  expect(target.ask(callback, 1)).toEqual([callback, 1]);
  expect(target.ask()).toEqual([]);
  expect(seen).toEqual([callback]);
});

test('the first look is given the first two arguments, and the function itself, which is on the stack', () => {
  const target = { ask: (...given: number[]) => given.length };
  const given: unknown[] = [];
  around(PART, target, 'ask', { before: (...all) => void given.push(...all) });
  target.ask(1, 2, 3);
  expect(given).toEqual([target, 1, 2, target.ask]);
});

// each part fails once for all
const FAILING: [keyof Hook<object, unknown>, Part][] = [
  ['passes', 'notify'],
  ['before', 'control'],
  ['callback', 'inject'],
  ['after', 'telemetry'],
  ['finally', 'signals'],
];

test.each(FAILING)('where %s fails, its part is switched off and the call works as ever', (name, part) => {
  const turns: string[] = [];
  const target = { ask: (callback: () => string) => callback() };
  const fails = () => {
    turns.push(name);
    throw new Error('of the probe');
  };
  around(part, target, 'ask', { [name]: fails });
  const before = lapseCount();
  expect(target.ask(() => 'answer')).toBe('answer');
  expect(target.ask(() => 'again')).toBe('again');
  expect(turns).toEqual([name]);
  expect(isOff(part)).toBe(true);
  expect(lapseCount()).toBe(before + 1);
});

test('a part that is off has no hook any more, but calls still go the way that they are sent', () => {
  const part: Part = 'workers';
  const turns: string[] = [];
  const target = { ask: () => 'answer', old };
  const before = () => {
    throw new Error('of the probe');
  };
  for (const key of ['ask', 'old'] as const) around(part, target, key, { ...noting(turns), before });
  expect([target.ask(), target.old()]).toEqual(['answer', 'old']);
  expect(turns).toEqual(['call undefined', 'call undefined']);
});

test('false, and nothing is touched, where there is no such function or it cannot be replaced', () => {
  class Inherits extends Map {}
  const cases: [object, string][] = [
    [{}, 'ask'],
    [{ ask: 1 }, 'ask'],
    [{ ask: undefined }, 'ask'],
    [Inherits.prototype, 'get'],
    [
      {
        get ask() {
          return () => {};
        },
      },
      'ask',
    ],
    [Object.freeze({ ask: () => {} }), 'ask'],
    [Object.defineProperty({}, 'ask', { value: () => {}, writable: true }), 'ask'],
  ];
  for (const [target, key] of cases) {
    const before = Object.getOwnPropertyDescriptors(target);
    expect(around(PART, target, key, WHOLE)).toBe(false);
    expect(Object.getOwnPropertyDescriptors(target)).toEqual(before);
  }
});
