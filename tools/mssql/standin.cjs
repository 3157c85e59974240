// Answers as SQL Server does, as far as its driver has to have it: whoever logs on is let in, every batch is done without
// a row, and transactions begin and end.
const net = require('node:net');

const PRELOGIN = 0x12;
const LOGIN = 0x10;
const TRANSACTION = 0x0e;
const HEADER = 8;

/** Of the requests of a transaction manager, the token of the environment's change and how long an id it has. */
const CHANGES = { 5: 8, 7: 9, 8: 10 };

const packet = (data) => {
  const header = Buffer.from([4, 1, 0, 0, 0, 0, 1, 0]);
  header.writeUInt16BE(HEADER + data.length, 2);
  return Buffer.concat([header, data]);
};

/** One option each: the version, and that there is no encryption. */
const PRELOGIN_ANSWER = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2]);
const DONE = Buffer.from([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const NAME = Buffer.from('SQL Server', 'utf16le');
const LOGIN_ACK = Buffer.concat([
  Buffer.from([0xad, 10 + NAME.length, 0, 1, 0x74, 0, 0, 4, NAME.length / 2]),
  NAME,
  Buffer.from([16, 0, 0, 0]),
]);

function changed(type) {
  const id = Buffer.alloc(8, 1);
  const [now, before] = type === CHANGES[5] ? [id, Buffer.alloc(0)] : [Buffer.alloc(0), id];
  const data = Buffer.from([type, now.length, ...now, before.length, ...before]);
  return Buffer.concat([Buffer.from([0xe3, data.length, 0]), data]);
}

function answer(type, data) {
  if (type === PRELOGIN) return PRELOGIN_ANSWER;
  if (type === LOGIN) return Buffer.concat([LOGIN_ACK, DONE]);
  if (type !== TRANSACTION) return DONE;
  const change = CHANGES[data.readUInt16LE(data.readUInt32LE(0))];
  return Buffer.concat([changed(change), DONE]);
}

/** The port that it listens on. */
exports.listen = () =>
  new Promise((resolve) => {
    const server = net.createServer((socket) => {
      let rest = Buffer.alloc(0);
      let message = [];
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= HEADER && rest.length >= rest.readUInt16BE(2)) {
          const [type, status] = rest;
          message.push(rest.subarray(HEADER, rest.readUInt16BE(2)));
          rest = rest.subarray(rest.readUInt16BE(2));
          if (!(status & 1)) continue;
          socket.write(packet(answer(type, Buffer.concat(message))));
          message = [];
        }
      });
    });
    server.listen(0, '127.0.0.1', () => resolve(server.unref().address().port));
  });
