/** Bytes that no driver sends close the session that sent them, and nothing else; memory stays bounded. */
import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import oracledb from 'oracledb';
import { expect, test } from 'vitest';
import { randomFrom } from '../../pipeline/generate.ts';
import { until } from '../support/until.ts';
import { refusal, standInForTests } from './support.ts';

/** What the stand-in says of the sessions that it closes. */
const complaints: string[] = [];
const under = standInForTests({
  logonTimeout: 20_000,
  processes: 1500,
  log: (sentence) => void complaints.push(sentence),
});

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(under.standIn.port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => {}).resume();
  });
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** What a driver sends to log on and do some work, cut into its packets, as seen by a proxy in between. */
async function conversation(): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  const proxy = createServer((client) => {
    const server = connectTo(under.standIn.port, '127.0.0.1');
    client.on('data', (bytes) => {
      sent.push(bytes);
      server.write(bytes);
    });
    server.on('data', (bytes) => client.write(bytes));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as { port: number };
  const connection = await oracledb.getConnection({ ...under.credentials, connectString: `127.0.0.1:${port}/STANDIN` });
  await connection.execute('select :1, :2 from dual', [1, 'x'.repeat(500)]);
  await connection.ping();
  await connection.close();
  proxy.close();
  return sent;
}

/** CONNECT, negotiation of protocol and types, and the two halves of the password check. */
const LOGON = 5;
/** Longer than an answer takes, mostly; when it takes longer the attack is another one. */
const PATIENCE_MS = 15;

/** Sends one after the other, each when the one before is answered, as a driver does. */
async function replay(socket: Socket, packets: readonly Buffer[], patienceMs = PATIENCE_MS): Promise<void> {
  for (const packet of packets) {
    if (socket.destroyed) return;
    socket.write(packet);
    const patience = AbortSignal.timeout(patienceMs);
    await Promise.race([once(socket, 'data', { signal: patience }), closing(socket)]).catch(() => {});
  }
}

/** Settles when the stand-in has closed it: by itself, or because this end is closed. */
async function endOf(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const closed = closing(socket);
  socket.end();
  await closed;
}

/** Where the driver keeps its socket. */
function socketOf(connection: oracledb.Connection): Socket {
  return (connection as unknown as { _impl: { nscon: { ntAdapter: { stream: Socket } } } })._impl.nscon.ntAdapter
    .stream;
}

/** The socket of a session, taken away from its driver. */
async function hijacked(): Promise<Socket> {
  const socket = socketOf(await oracledb.getConnection(under.credentials));
  socket.removeAllListeners();
  return socket.on('error', () => {}).resume();
}

/** Ways to spoil a conversation, each seeded. */
function attacks(packets: readonly Buffer[], seed: number): Buffer[][] {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => below(256)));
  const damaged = (packet: Buffer) => {
    const copy = Buffer.from(packet);
    for (let i = 0; i < 1 + below(4); i++) copy[below(copy.length)] = below(256);
    return copy;
  };
  /** Framed rightly, so that it is decoded. */
  const inside = (packet: Buffer) => Buffer.concat([packet.subarray(0, 10), damaged(packet.subarray(10))]);
  return [
    [bytes(1 + below(200))],
    [...packets.slice(0, below(packets.length)), bytes(1 + below(200))],
    [...packets.slice(0, -1), (packets.at(-1) as Buffer).subarray(0, below(100))],
    packets.map((packet) => (below(3) === 0 ? damaged(packet) : packet)),
    packets.map((packet, i) => (i > 0 && below(2) === 0 ? inside(packet) : packet)),
    packets.map((packet, i) => (i === 0 ? packet : inside(packet))),
    [...packets].sort(() => below(3) - 1),
    packets.flatMap((packet) => (below(2) === 0 ? [packet, packet] : [packet])),
    packets.map((packet) => Buffer.concat([packet, bytes(below(20))])),
    [Buffer.concat(packets)],
  ];
}

async function worksStill(): Promise<void> {
  await under.connected(async (connection) => {
    expect((await connection.execute('select 1 from dual')).rows).toEqual([[1]]);
  });
  await until('every connection to end', () => under.standIn.connections() === 0);
}

test('logons of random bytes, cut, damaged, swollen and out of order', async () => {
  const packets = (await conversation()).slice(0, LOGON);
  for (let round = 0; round < 25; round++) {
    await Promise.all(
      attacks(packets, 100 + round).map(async (attack) => {
        const socket = await open();
        await replay(socket, attack);
        await endOf(socket);
      }),
    );
  }
  await worksStill();
});

test('calls of random bytes, cut, damaged, swollen and out of order', async () => {
  const packets = (await conversation()).slice(LOGON);
  expect(packets.length).toBeGreaterThanOrEqual(3);
  for (let round = 0; round < 12; round++) {
    await Promise.all(
      attacks(packets, 200 + round).map(async (attack) => {
        const socket = await hijacked();
        await replay(socket, attack);
        await endOf(socket);
      }),
    );
  }
  await worksStill();
  expect(complaints.filter((sentence) => sentence.includes('of the stand-in itself'))).toEqual([]);
});

test('a session that sends garbage is closed at once, while others work', async () => {
  await under.connected(async (connection) => {
    const victim = await oracledb.getConnection(under.credentials);
    socketOf(victim).write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await until('the session to end', () => under.standIn.sessions().length === 1);
    expect((await refusal(victim.execute('select 1 from dual'))).message).toContain('NJS-500');
    expect((await connection.execute('select 1 from dual')).rows).toEqual([[1]]);
  });
});

test('a request that never ends is cut off before it fills the memory', async () => {
  const [connect] = await conversation();
  const socket = await open();
  const closed = closing(socket);
  const accepted = once(socket, 'data');
  socket.write(connect!);
  await accepted;
  const packet = Buffer.alloc(8000);
  packet.writeUInt32BE(packet.length, 0);
  packet[4] = 6; // DATA, and never the last
  let sent = 0;
  while (!socket.destroyed && sent < 10_000_000) {
    socket.write(packet);
    sent += packet.length;
    await new Promise(setImmediate);
  }
  await closed;
  expect(sent).toBeLessThan(10_000_000);
  await worksStill();
});

test('1,000 logons that stop half way cost little memory, and nobody else their logon', {
  timeout: 60_000,
}, async () => {
  const packets = await conversation();
  const before = process.memoryUsage().rss;
  const sockets: Socket[] = [];
  for (let i = 0; i < 1000; i += 100) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, open))));
  }
  // nothing, half a CONNECT, CONNECT, and as far as the negotiation of the protocol
  for (const [i, socket] of sockets.entries()) if (i % 4 === 1) socket.write(packets[0]!.subarray(0, 30));
  await Promise.all(
    sockets.map((socket, i) => (i % 4 > 1 ? replay(socket, packets.slice(0, (i % 4) - 1), 20_000) : undefined)),
  );
  await until('1,000 connections', () => under.standIn.connections() === 1000);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  await under.connected(async (connection) => {
    expect((await connection.execute('select 1 from dual')).rows).toEqual([[1]]);
  });
  for (const socket of sockets) socket.destroy();
  await until('every connection to end', () => under.standIn.connections() === 0);
});
