/** Listeners of one event on one emitter, told one by one as they are added. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Ledger } from '../probe/account/ledger.ts';
import { Scopes } from '../probe/account/scope.ts';
import { StackBudgets } from '../probe/account/stack-budgets.ts';
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { PiledUp } from '../probe/watch/handles/piled-up.ts';

function watched(isOnceEach = false) {
  const ledger = new Ledger();
  const parts = { ledger, scopes: new Scopes('off'), stacks: new StackBudgets(0) };
  const emitter = new EventEmitter().setMaxListeners(0);
  const read = (_: object, event: unknown) => emitter.rawListeners(event as string);
  const piled = new PiledUp(new Desk(parts as DeskParts), 'emitters', read, isOnceEach);
  const adding = (event: string, listener: () => void): void =>
    piled.adding({ emitter, event, count: emitter.listenerCount(event) + 1 }, listener, () => {});
  const add = (event: string, times: number): void => {
    for (let n = 0; n < times; n++) {
      const listener = () => n;
      adding(event, listener);
      emitter.on(event, listener);
    }
  };
  return { emitter, adding, add, open: () => [...ledger.entered()].length };
}

test('beyond sixteen of one event, each that makes them more than ever is entered', () => {
  const { add, open } = watched();
  add('price', 20);
  expect(open()).toBe(4);
});

test('an emitter of ever new events costs no more than a thousand, and those without listeners make room', () => {
  const { emitter, add, open } = watched();
  for (let n = 0; n < 1000; n++) add(`answer ${n}`, 17);
  add('price', 20);
  expect(open()).toBe(1000);

  emitter.removeAllListeners();
  add('price', 20);
  expect(open()).toBe(1004);
});

test('one that is added and removed again and again, beside others that stay, is one', () => {
  const { emitter, adding, add, open } = watched();
  add('price', 16);
  const same = () => {};
  for (let n = 0; n < 1000; n++) {
    adding('price', same);
    emitter.on('price', same);
    emitter.off('price', same);
  }
  expect(open()).toBe(1);
});

test('where each is a listener once, one that is added again stays one', () => {
  const { emitter, adding, add, open } = watched(true);
  add('price', 16);
  const same = () => {};
  adding('price', same);
  emitter.on('price', same);
  for (let n = 0; n < 1000; n++) adding('price', same);
  expect(open()).toBe(1);
});

test('those that a registry takes away once what they act on is garbage do not pile up', () => {
  const { emitter, adding, open } = watched();
  const registry = new FinalizationRegistry(() => {});
  for (let n = 0; n < 20; n++) {
    const listener = () => registry.unregister(listener);
    adding('abort', listener);
    emitter.on('abort', listener);
  }
  expect(open()).toBe(0);
});
