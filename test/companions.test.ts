/** Who ends with whom: what an adapter says of an owner, and what is learned of companions. */
import { expect, test } from 'vitest';
import { companionOf } from '../probe/account/companions.ts';
import { Ledger, Resource, type Source } from '../probe/account/ledger.ts';
import type { Bond, Known } from '../probe/account/resource.ts';

/** A ledger in which time goes on by a second from each thing to the next. */
class Book {
  readonly ledger = new Ledger();
  readonly connections = this.#source('lease', 'pg');
  readonly heartbeats = this.#source('interval', 'setInterval');
  at = 0;

  #source(nature: 'lease' | 'interval', library: string): Source {
    return this.ledger.source({ adapter: 'pg', nature, library });
  }

  open(source: Source, companion: Resource | null = null, known: Known = {}): Resource {
    this.at += 1000;
    const resource = new Resource(this.ledger.account(source, null), null, this.at, known);
    if (companion !== null) resource.accompanies(companion);
    this.ledger.open(resource);
    return resource;
  }

  connection(companion: Resource | null = null): Resource {
    return this.open(this.connections, companion);
  }

  heartbeat(of: Resource | null): Resource {
    return this.open(this.heartbeats, of);
  }

  /** In this order, in the same moment. */
  end(...resources: Resource[]): void {
    this.at += 1000;
    for (const resource of resources) this.ledger.close(resource, this.at);
  }

  /** A connection and its heartbeat, which end together. */
  pair(isOwnerFirst = false): void {
    const connection = this.connection();
    const heartbeat = this.heartbeat(connection);
    this.end(...(isOwnerFirst ? [connection, heartbeat] : [heartbeat, connection]));
  }
}

const times = (count: number, act: () => void): void => {
  for (let i = 0; i < count; i++) act();
};

test.each([
  ['before', false],
  ['after', true],
])(
  'a heartbeat that ended ten times right %s its connection waits for its own while that is open',
  (_, isOwnerFirst) => {
    const book = new Book();
    times(9, () => book.pair(isOwnerFirst));
    const connection = book.connection();
    const heartbeat = book.heartbeat(connection);
    expect(companionOf(heartbeat)).toBeNull();
    book.pair(isOwnerFirst);
    expect(companionOf(heartbeat)).toBe(connection);
    // it stands for itself from then on: left behind
    book.end(connection);
    expect(companionOf(heartbeat)).toBeNull();
  },
);

test('a connection never waits for its heartbeat', () => {
  const book = new Book();
  times(20, () => book.pair());
  const connection = book.connection();
  book.heartbeat(connection);
  expect(companionOf(connection)).toBeNull();
});

test('… nor for the heartbeat of the one before, where one job takes many and ends them all at once', () => {
  const book = new Book();
  const taken: Resource[] = [];
  times(40, () => {
    const connection = book.connection(taken.at(-1));
    taken.push(connection, book.heartbeat(connection));
  });
  book.end(...taken);
  const first = book.connection();
  const heartbeat = book.heartbeat(first);
  const second = book.connection(heartbeat);
  expect(companionOf(second)).toBeNull();
  expect(companionOf(heartbeat)).toBe(first);
});

test('nor does one wait for another of its own line, however often they end together', () => {
  const book = new Book();
  const taken: Resource[] = [];
  times(40, () => taken.push(book.connection(taken.at(-1))));
  book.end(...taken);
  const first = book.connection();
  expect(companionOf(book.connection(first))).toBeNull();
});

test('what ended by itself more than once in twenty is nobody’s', () => {
  const book = new Book();
  times(38, () => book.pair());
  const endsAlone = () => {
    const connection = book.connection();
    const heartbeat = book.heartbeat(connection);
    book.end(heartbeat);
    book.end(connection);
    return book.heartbeat(book.connection());
  };
  times(1, endsAlone);
  expect(companionOf(endsAlone())).not.toBeNull();
  expect(companionOf(endsAlone())).toBeNull();
});

test('what was opened with nothing else has no companion, though others of its line have', () => {
  const book = new Book();
  times(20, () => book.pair());
  expect(companionOf(book.heartbeat(null))).toBeNull();
});

const on = (book: Book, owner: Resource, bond?: Bond): Resource =>
  book.open(book.connections, null, { owner, ...(bond && { bond }) });
const state = ({ closed, isStranded }: Resource) => (closed ? 'ended' : isStranded ? 'stranded' : 'open');

test.each<[Bond | undefined, string]>([
  ['ends with it', 'ended'],
  ['is stranded', 'stranded'],
  ['goes on', 'open'],
  [undefined, 'open'],
])('when its owner ends, what is bound by "%s" is %s', (bond, expected) => {
  const book = new Book();
  const owner = book.connection();
  const owned = [on(book, owner, bond), on(book, owner, bond)];
  book.end(owner);
  expect(owned.map(state)).toEqual([expected, expected]);
  expect(owned[0]?.closedAt).toBe(expected === 'ended' ? book.at : 0);
});

test('what ends with its owner takes its own along; what is stranded or goes on does not', () => {
  const book = new Book();
  const owner = book.connection();
  const direct = (['ends with it', 'is stranded', 'goes on'] as const).map((bond) => on(book, owner, bond));
  const nested = direct.map((parent) => [on(book, parent, 'ends with it'), on(book, parent, 'is stranded')]);
  book.end(owner);
  expect(direct.map(state)).toEqual(['ended', 'stranded', 'open']);
  expect(nested.map((pair) => pair.map(state))).toEqual([
    ['ended', 'stranded'],
    ['open', 'open'],
    ['open', 'open'],
  ]);
});

test('what has ended before its owner is no longer its', () => {
  const book = new Book();
  const owner = book.connection();
  const owned = on(book, owner, 'ends with it');
  book.end(owned);
  expect(owner.owned).toEqual(new Set());
  const { closedAt } = owned;
  book.end(owner);
  expect(owned.closedAt).toBe(closedAt);
  expect(owned.account).toMatchObject({ acquired: 2, released: 2 });
});

test('owners are judged before what they own', () => {
  const book = new Book();
  const connection = book.connection();
  const { ledger } = book;
  const source = (library: string) => ledger.source({ adapter: 'oracledb', nature: 'result set', library });
  const resultSet = book.open(source('result set'), null, { owner: connection });
  const lob = book.open(source('LOB'), null, { owner: resultSet });
  expect([connection, resultSet, lob].map(({ account }) => account.line.depth)).toEqual([0, 1, 2]);
});
