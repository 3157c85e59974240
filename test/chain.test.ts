import { expect, test } from 'vitest';
import { Chain, type Link } from '../probe/account/chain.ts';

class Item implements Link<Item> {
  previous: Item | null = null;
  next: Item | null = null;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const named = (text: string) => [...text].map((name) => new Item(name));
const names = (chain: Chain<Item>) => [...chain].map(({ name }) => name).join('');
/** From the last to the first, as the ledger walks. */
const backwards = (chain: Chain<Item>) => {
  let text = '';
  for (let item = chain.last; item; item = item.previous) text = item.name + text;
  return text;
};

test.each([
  ['first', 'a', 'bcd'],
  ['last', 'd', 'abc'],
  ['midmost', 'b', 'acd'],
  ['any', 'bd', 'ac'],
  ['all', 'badc', ''],
])('the order stays when the %s of it is taken out', (_, out, left) => {
  const items = named('abcd');
  const chain = new Chain<Item>();
  for (const item of items) chain.push(item);
  for (const name of out) chain.delete(items.find((item) => item.name === name)!);
  expect([names(chain), backwards(chain)]).toEqual([left, left]);
  expect(chain.size).toBe(left.length);
  expect([chain.first?.name, chain.last?.name]).toEqual([left.at(0), left.at(-1)]);
  chain.push(new Item('e'));
  expect(names(chain)).toBe(`${left}e`);
});

test('to take out what is not in it, or no longer, changes nothing', () => {
  const [a, b, stranger] = named('abc') as [Item, Item, Item];
  const chain = new Chain<Item>();
  for (const item of [a, b]) chain.push(item);
  chain.delete(stranger);
  chain.delete(a);
  chain.delete(a);
  expect([names(chain), chain.size]).toEqual(['b', 1]);
});

test('what is taken out during a walk does not end it', () => {
  const items = named('abc');
  const chain = new Chain<Item>();
  for (const item of items) chain.push(item);
  const met: string[] = [];
  for (const item of chain) {
    met.push(item.name);
    chain.delete(items[1]!);
  }
  expect(met.join('')).toBe('ac');
});
