/** Where a socket leads, asked so that nobody can tell that it was. */
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { localOf, remoteOf } from '../probe/process/addresses.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

async function connected(to: string | number) {
  const server = net.createServer().listen(to);
  await once(server, 'listening');
  const address = server.address();
  const socket = net.connect(typeof address === 'string' ? { path: address } : { port: address?.port ?? 0 });
  await once(socket, 'connect');
  const end = async () => {
    server.close();
    socket.destroy();
    await once(socket, 'close');
  };
  return { socket, end };
}

test("the same as Node's own getters say, and nothing is noted on the socket", async () => {
  const { socket, end } = await connected(0);
  const before = Reflect.ownKeys(socket);
  const [local, remote] = [localOf(socket), remoteOf(socket)];
  expect(Reflect.ownKeys(socket)).toEqual(before);

  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  expect(local).toEqual({ address: localAddress, port: localPort });
  expect(remote).toEqual({ address: remoteAddress, port: remotePort });
  await end();
});

test('as without the probe, a socket that has ended leads nowhere', async () => {
  const { socket, end } = await connected(0);
  expect(remoteOf(socket)).not.toBeNull();
  await end();
  expect([localOf(socket), remoteOf(socket)]).toEqual([null, null]);
  expect(socket.remoteAddress).toBeUndefined();
});

test('none before it is connected, and none of a path', async () => {
  expect(remoteOf(new net.Socket())).toBeNull();
  using folder = temporaryFolder();
  const { socket, end } = await connected(path.join(folder.path, 'socket'));
  expect([localOf(socket), remoteOf(socket)]).toEqual([null, null]);
  await end();
});
