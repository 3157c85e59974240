// As much of a MongoDB server as a driver asks for: a handshake, and cursors that never end by themselves.
const { createServer } = require('node:net');

const OP_QUERY = 2004;
const OP_MSG = 2013;

/** What is answered, by the first key of a command. */
const ANSWERS = {
  find: ({ Long }) => ({ cursor: { id: Long.fromNumber(7), ns: 'shop.orders', firstBatch: [{ n: 1 }, { n: 2 }] } }),
  getMore: ({ Long }) => ({ cursor: { id: Long.fromNumber(7), ns: 'shop.orders', nextBatch: [{ n: 3 }] } }),
  hello: () => ({
    ...{ isWritablePrimary: true, helloOk: true, minWireVersion: 0, maxWireVersion: 21 },
    ...{ maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000 },
    ...{ logicalSessionTimeoutMinutes: 30, setName: 'rs', hosts: ['127.0.0.1'], secondary: false, me: '127.0.0.1' },
  }),
};

/** Listens, with `BSON` of a driver's; its URL, and what stops it. */
exports.listen = (BSON) => {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readInt32LE()) {
        const length = received.readInt32LE();
        socket.write(answer(BSON, received.subarray(0, length)));
        received = received.subarray(length);
      }
    });
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const url = `mongodb://127.0.0.1:${server.address().port}/?directConnection=true`;
      resolve({ url, stop: () => server.close() });
    }),
  );
};

function answer(BSON, request) {
  const isQuery = request.readInt32LE(12) === OP_QUERY;
  const at = isQuery ? request.indexOf(0, 20) + 9 : 21;
  const [name] = Object.keys(BSON.deserialize(request.subarray(at)));
  const body = BSON.serialize({ ...(ANSWERS[name.replace('ismaster', 'hello')] ?? (() => ({})))(BSON), ok: 1 });
  const head = Buffer.alloc(isQuery ? 36 : 21);
  head.writeInt32LE(head.length + body.length);
  head.writeInt32LE(request.readInt32LE(4), 8);
  head.writeInt32LE(isQuery ? 1 : OP_MSG, 12);
  if (isQuery) head.writeInt32LE(1, 32);
  return Buffer.concat([head, body]);
}
