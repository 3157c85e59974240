import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Known, OnClient } from '../probe/watch/pools/pg-known.ts';

class Client {
  name = 'orders';
}

function known(client: object): Known {
  const own = new Known(new WeakRef(client), () => false);
  OnClient.put(client, own);
  return own;
}

test('what is known of a client is found by it, and seen by nobody else', () => {
  const [client, frozen] = [new Client(), Object.freeze(new Client())];
  const own = known(client);
  expect(OnClient.get(client)).toBe(own);
  expect(known(frozen)).toBe(OnClient.get(frozen));
  expect(Reflect.ownKeys(client)).toEqual(['name']);
  expect(inspect(client, { showHidden: true })).toBe("Client { name: 'orders' }");
});

test('of anything else that a method may be called on nothing is known', () => {
  for (const other of [undefined, null, 'orders', new Client(), () => {}]) expect(OnClient.get(other)).toBe(undefined);
  const client = new Client();
  known(client);
  expect(OnClient.get(new Proxy(client, {}))).toBe(undefined);
});

test('of a client that was asked for before it was known, it is known from then on', () => {
  const client = new Client();
  expect(OnClient.get(client)).toBe(undefined);
  const own = known(client);
  expect(OnClient.get(client)).toBe(own);
  expect(Reflect.ownKeys(client)).toEqual(['name']);
});

test('when the probe leaves, it leaves nothing on clients that go on to be used, also of many', () => {
  const clients = Array.from({ length: 500 }, () => new Client());
  for (const client of clients) known(client);
  OnClient.dropAll();
  expect(clients.filter((client) => OnClient.get(client) !== undefined)).toEqual([]);
});
