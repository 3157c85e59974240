/** Listeners of one event on one emitter, told one by one as they are added. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Ledger } from '../probe/account/ledger.ts';
import { Scopes } from '../probe/account/scope.ts';
import { StackBudgets } from '../probe/account/stack-budgets.ts';
import { Desk, type DeskParts } from '../probe/watch/desk.ts';
import { PiledUp } from '../probe/watch/handles/piled-up.ts';

function watched() {
  const ledger = new Ledger();
  const parts = { ledger, scopes: new Scopes('off'), stacks: new StackBudgets(0) };
  const emitter = new EventEmitter().setMaxListeners(0);
  const piled = new PiledUp(new Desk(parts as DeskParts), 'emitters', (_, event) =>
    emitter.rawListeners(event as string),
  );
  const add = (event: string, times: number): void => {
    for (let n = 0; n < times; n++) {
      const listener = () => n;
      piled.adding({ emitter, event, count: emitter.listenerCount(event) + 1 }, listener, () => {});
      emitter.on(event, listener);
    }
  };
  return { emitter, add, open: () => [...ledger.entered()].length };
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
