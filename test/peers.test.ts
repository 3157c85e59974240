import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeldConnection } from '../probe/recording/format.ts';
import { readRun } from '../probe/recording/reader.ts';
import { type FreshDatabase, freshDatabase } from './setup/database.ts';
import { fixture, lineOf, probed } from './support/probed.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

// A lease is joined with the server's session by its socket, which the pool knows and nobody is asked for.

const program = fixture('peers.mjs');
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test('each connection is recorded with its socket, what the server calls it, and the line that holds it', async () => {
  using folder = temporaryFolder();
  const { stdout } = await probed(program, [], { out: folder.path, env: { PG_URL: database.url } });
  const { truths, heldMs } = JSON.parse(stdout);
  const [recording] = readRun(folder.path).recordings;
  const { connections, omitted } = recording!.held.at(-1)!;
  const connectionOf = ({ localPort }: { localPort: number }) =>
    connections.find((connection) => connection.localPort === localPort);
  const placeOf = ({ site, frame }: HeldConnection) => {
    const { file, line } = recording!.sites.get(site)![frame]!;
    return `${file}:${line}`;
  };

  for (const [name, call] of [
    ['used', "// of pg's own pool"],
    ['lent', '// of a pool around the driver'],
    ['ofKnex', '// of knex'],
    ['socket', '// of a pool of sockets'],
  ] as const) {
    const connection = connectionOf(truths[name])!;
    expect(connection).toMatchObject({ ...truths[name], localAddress: '127.0.0.1', state: 'used' });
    expect(placeOf(connection)).toBe(lineOf(program, call));
    // it was recorded when the program ended, later than that
    expect(connection.ageMs).toBeGreaterThanOrEqual(Math.floor(heldMs[name]));
  }
  expect(connectionOf(truths.idle)).toMatchObject({ ...truths.idle, state: 'idle', site: -1, ageMs: null });
  // what is not known is not guessed: the odd pool's connection is in no list
  expect(connections).toHaveLength(5);
  expect(omitted).toBe(0);
});
