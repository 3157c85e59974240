import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Leadership } from '../pipeline/cluster/leadership.ts';
import { type FreshStore, freshStore, STORES } from './setup/stores.ts';

describe.each(STORES)('on %s', (dialect) => {
  let store: FreshStore;
  beforeAll(async () => {
    store = await freshStore(dialect);
  });
  afterAll(() => store?.drop());

  test('a second job manager is refused while the first is there, and leads once it has ended', async () => {
    const first = await Leadership.take(store.url);
    await expect(Leadership.take(store.url, 300)).rejects.toThrow(
      'Another job manager works on this database: stop it first, or name another database.',
    );
    const second = Leadership.take(store.url);
    await first.end();
    await (await second).end();
    expect([first.isLost, (await second).isLost]).toEqual([false, false]);
  });
});
