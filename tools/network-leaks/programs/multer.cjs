// A client that goes away while it uploads left the file open; since 2.3 it is destroyed.
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { settle, version } = require('./settle.cjs');

const multer = require(`multer-${version}`);

const upload = multer({ dest: os.tmpdir() }).single('file');
const server = http.createServer((request, response) => upload(request, response, () => response.end()));

const HEAD = ['POST / HTTP/1.1', 'Host: x', 'Content-Type: multipart/form-data; boundary=b', 'Content-Length: 100000'];
const PART = [
  '--b',
  'Content-Disposition: form-data; name="file"; filename="a"',
  'Content-Type: text/plain',
  '',
  'hello',
];

async function goAway() {
  const socket = net.connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write([...HEAD, '', ...PART].join('\r\n'));
  await sleep(20);
  socket.destroy();
  await sleep(10);
}

server.listen(0, '127.0.0.1', () => settle(goAway));
