import { expect, test } from 'vitest';
import { NODE, start } from '../support/probed.ts';

const RESET = new URL('../../oracle-standin/reset.ts', import.meta.url).href;

/** A server that resets its client's socket, the end of which has begun or not. */
const program = (before: string) => `
import { connect, createServer } from 'node:net';
import { resetSocket } from ${JSON.stringify(RESET)};
const server = createServer((socket) => {
  socket.on('error', ({ code }) => console.log('error', code));
  ${before}
  resetSocket(socket);
  server.close();
}).listen(0, '127.0.0.1', () => {
  const client = connect(server.address().port, '127.0.0.1');
  client.on('error', ({ code }) => console.log('client', code)).on('close', () => client.destroy()).resume();
});`;

test.each([
  ['open', '', 'client ECONNRESET\n'],
  ['being ended', 'socket.end();', ''],
])('a socket that is %s is closed at once, and the process ends', async (_, before, stdout) => {
  const ended = await start(NODE, ['--input-type=module', '--eval', program(before)]);
  expect(ended).toMatchObject({ code: 0, stdout });
});
